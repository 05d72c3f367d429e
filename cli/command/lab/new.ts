/** `ns-net lab new TEMPLATE [FILE]` */
import { writeFileSync } from "node:fs";
import { code, Fault } from "../../../conf/fault.ts";
import { nearest } from "../../../conf/nearest.ts";
import { aboutOf, templates } from "../../../lab/examples.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { shellWord } from "../../../step/shellWords.ts";
import { command } from "../../command.ts";
import { type Column, table } from "../../output/table.ts";

export default command({
  about: "Write a lab file from a template. Without a template it lists them.",
  usage: "[TEMPLATE] [FILE]",
  operands: [0, 2],
  options: {},
  more: `
FILE is TEMPLATE.yaml by default, and must not exist.

  ns-net lab new
  ns-net lab new isolation
  ns-net lab up isolation.yaml && ns-net lab test`,

  run({ operands: [template, file = `${template}.yaml`] }) {
    if (template === undefined) {
      writeOut(table(columns, Object.entries(templates)));
      return 0;
    }
    const text = Object.hasOwn(templates, template) ? templates[template]! : undefined;
    if (text === undefined) throw unknownTemplate(template);
    written(file, text);
    writeOut(`${file}: ${aboutOf(text)}\nNow: ns-net lab up ${shellWord(file)}\n`);
    return 0;
  },
});

const columns: readonly Column<readonly [name: string, text: string]>[] = [
  { title: "TEMPLATE", cell: ([name]) => name },
  { title: "ABOUT", yields: 1, widthMin: 20, cell: ([, text]) => aboutOf(text) },
];

function unknownTemplate(template: string): Fault {
  const meant = nearest(template, Object.keys(templates));
  const cure = meant === undefined ? "See all templates: ns-net lab new" : `Did you mean ${meant}?`;
  return new Fault(code.config, `There is no template ${template}`, cure);
}

function written(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new Fault(code.io, `${file} exists`, "Give another name: ns-net lab new TEMPLATE FILE");
  }
}
