/** `ns-net lab test` */

import { inspect, test } from "../../../lab/supervisor/client.ts";
import type { LabState } from "../../../lab/supervisor/state.ts";
import type { TestResult } from "../../../lab/tests/run.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { placeOf, runInLab } from "../../labs/inside.ts";
import { chosen, jsonOption, labOptions } from "../../labs/options.ts";
import { coloured } from "../../output/colour.ts";

export default command({
  about: "Run the tests of a lab's file. Exits with 1 if one fails.",
  usage: "[options]",
  operands: [0, 0],
  options: { ...labOptions, ...jsonOption },

  async run({ options }) {
    const state = chosen(options);
    const tests: TestResult[] = [];
    for await (const one of test(state)) {
      tests.push(one);
      if (!options.json) writeOut(lineOf(one));
    }
    const passed = tests.filter((one) => one.passed).length;
    const failed = tests.length - passed;
    if (options.json) writeOut(`${JSON.stringify({ lab: state.lab, passed, failed, tests }, null, 2)}\n`);
    else writeOut(tests.length === 0 ? `${state.file} has no tests\n` : `${passed} passed, ${failed} failed\n`);
    if (!options.json) await explainFailed(state, tests);
    return failed === 0 ? 0 : 1;
  },
});

/** The others probably fail for the same reason. */
const explainedMax = 3;

/** Says where the packets of failed tests end. */
async function explainFailed(state: LabState, tests: readonly TestResult[]): Promise<void> {
  const toExplain = tests.flatMap((one) => (one.explain ? [one.explain] : [])).slice(0, explainedMax);
  if (toExplain.length === 0) return;
  const inspected = await inspect(state);
  for (const words of toExplain) {
    const at = placeOf(inspected, words[0]);
    writeOut(`\n${coloured("title", `ns-net explain ${words.join(" ")} --lab ${at}`)}\n`);
    await runInLab(at, ["explain", ...words]);
  }
}

function lineOf({ test, passed, expected, found, why }: TestResult): string {
  if (passed) return `${coloured("good", "ok    ")}  ${test}\n`;
  return `${coloured("bad", "failed")}  ${test}: expected ${expected}, found ${found}${why ? ` (${why})` : ""}\n`;
}
