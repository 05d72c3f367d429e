/** `ns-net lab check [FILE]` */
import { resolve } from "node:path";
import { BadLabFile, positionOf } from "../../../lab/file/mistakes.ts";
import { sourceOf } from "../../../lab/file/readLabFile.ts";
import type { Lab } from "../../../lab/model/lab.ts";
import { labOf } from "../../../lab/model/resolve.ts";
import { check, labsUp } from "../../../lab/supervisor/client.ts";
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
    const state = labsUp().find((one) => one.file === resolve(file));
    const differences = state ? await check(state) : null;
    if (options.json) writeOut(jsonOf(file, [], differences));
    else writeOut(`${textOf(file, lab)}${differences ? textOfDifferences(lab.name, differences) : ""}`);
    return differences?.length ? 1 : 0;
  },
});

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
