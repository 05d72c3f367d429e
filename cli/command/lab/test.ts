/** `ns-net lab test` */
import { test } from "../../../lab/supervisor/client.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { coloured } from "../../output/colour.ts";
import { chosen, labOptions } from "./options.ts";

export default command({
  about: "Run the tests of a lab's file. Exits with 1 if one fails.",
  usage: "[options]",
  operands: [0, 0],
  options: { ...labOptions, json: { type: "boolean", about: "print JSON" } },

  async run({ options }) {
    const state = chosen(options);
    const tests = await test(state);
    const failed = tests.filter(({ passed }) => !passed).length;
    const passed = tests.length - failed;
    if (options.json) writeOut(`${JSON.stringify({ lab: state.lab, passed, failed, tests }, null, 2)}\n`);
    else {
      const lines = tests.map((one) => {
        const mark = one.passed ? coloured("good", "ok    ") : coloured("bad", "failed");
        const why = one.passed ? "" : `: expected ${one.expected}, found ${one.found}${one.why ? ` (${one.why})` : ""}`;
        return `${mark}  ${one.test}${why}\n`;
      });
      writeOut(`${lines.join("")}${passed} passed, ${failed} failed\n`);
    }
    return failed === 0 ? 0 : 1;
  },
});
