/** `ns-net lab check [FILE]` */
import { resolve } from "node:path";
import { BadLabFile, positionOf } from "../../../lab/file/mistakes.ts";
import { sourceOf } from "../../../lab/file/readLabFile.ts";
import type { Lab } from "../../../lab/model/lab.ts";
import { labOf } from "../../../lab/model/resolve.ts";
import { needingNetem, withoutNetem } from "../../../lab/plan/impair.ts";
import { check, labsUp } from "../../../lab/supervisor/client.ts";
import { kernelHasNetem } from "../../../lab/supervisor/probe.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { jsonOption } from "../../labs/options.ts";

export default command({
  about: "Check a lab file, and if the lab is up also its networks. Exits with 1 if something is wrong.",
  usage: "[FILE] [options]",
  operands: [0, 1],
  options: jsonOption,
  more: `
FILE is lab.yaml by default. Prints every mistake of the file with its line. If the lab is up, prints every difference
between what "lab up" made and what is there now.

  ns-net lab check shop.yaml`,

  async run({ options, operands: [file = "lab.yaml"] }) {
    const source = sourceOf(file);
    let lab: Lab;
    try {
      lab = labOf(source);
    } catch (error) {
      if (!(error instanceof BadLabFile)) throw error;
      const mistakes = error.mistakes.map(({ at, ...rest }) => ({ ...positionOf(source.text, at[0]), ...rest }));
      if (options.json) writeOut(jsonOf(file, mistakes, null));
      else process.stderr.write(error.message);
      return 1;
    }
    const refused = refusedHere(lab);
    const state = labsUp().find((one) => one.file === resolve(file));
    const differences = state ? await check(state) : null;
    if (options.json) writeOut(jsonOf(file, refused, differences));
    else if (refused.length > 0) process.stderr.write(refused.map((one) => refusalText(file, one)).join(""));
    else writeOut(`${textOf(file, lab)}${differences ? textOfDifferences(lab.name, differences) : ""}`);
    return refused.length > 0 || differences?.length ? 1 : 0;
  },
});

interface Refused {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly suggestion: string;
}

/** The impairments that this kernel cannot do. */
function refusedHere({ impairments }: Lab): Refused[] {
  const needing = impairments.filter(({ values }) => needingNetem(values).length > 0);
  if (needing.length === 0 || kernelHasNetem()) return [];
  return needing.map(({ place, values }) => {
    const fault = withoutNetem(needingNetem(values));
    const by = { byHand: true };
    return { ...place, message: fault.sentence(by), suggestion: fault.cure(by) };
  });
}

const refusalText = (file: string, { line, column, message, suggestion }: Refused) =>
  `${file}:${line}:${column}: ${message}\n  ${suggestion}\n`;

function textOf(file: string, { name, networks, pods, tests }: Lab): string {
  const counts = [counted(networks, "network"), counted(pods, "pod"), counted(tests, "test")].join(", ");
  return `${file}: ${name} has ${counts}, and no mistake\n`;
}

function textOfDifferences(lab: string, differences: readonly string[]): string {
  if (differences.length === 0) return `${lab} is up, and everything is as it was made\n`;
  return [`${lab} is up, and differs from what was made:`, ...differences, ""].join("\n");
}

const counted = ({ length }: readonly unknown[], what: string) => `${length} ${what}${length === 1 ? "" : "s"}`;

const jsonOf = (file: string, mistakes: readonly object[], differences: readonly string[] | null) =>
  `${JSON.stringify({ file, mistakes, differences }, null, 2)}\n`;
