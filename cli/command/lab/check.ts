/** `ns-net lab check [FILE]` */
import { BadLabFile, positionOf } from "../../../lab/file/mistakes.ts";
import { sourceOf } from "../../../lab/file/readLabFile.ts";
import { labOf } from "../../../lab/model/resolve.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";

export default command({
  about: "Check a lab file. Prints every mistake with its line, and exits with 1 if there is one.",
  usage: "[FILE] [options]",
  operands: [0, 1],
  options: { json: { type: "boolean", about: "print JSON" } },
  more: `
FILE is lab.yaml by default.

  ns-net lab check shop.yaml`,

  run({ options, operands: [file = "lab.yaml"] }) {
    const source = sourceOf(file);
    try {
      const { name, networks, pods, tests } = labOf(source);
      const counts = [counted(networks, "network"), counted(pods, "pod"), counted(tests, "test")].join(", ");
      writeOut(options.json ? jsonOf(file, []) : `${file}: ${name} has ${counts}, and no mistake\n`);
      return 0;
    } catch (error) {
      if (!(error instanceof BadLabFile)) throw error;
      const mistakes = error.mistakes.map(({ at, ...rest }) => ({ ...positionOf(source.text, at[0]), ...rest }));
      if (options.json) writeOut(jsonOf(file, mistakes));
      else process.stderr.write(error.message);
      return 1;
    }
  },
});

const counted = ({ length }: readonly unknown[], what: string) => `${length} ${what}${length === 1 ? "" : "s"}`;

const jsonOf = (file: string, mistakes: readonly object[]) => `${JSON.stringify({ file, mistakes }, null, 2)}\n`;
