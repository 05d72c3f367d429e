/** `ns-net lab graph [FILE]` */
import type { Diagram } from "../../../../lab/graph/diagram.ts";
import { dot } from "../../../../lab/graph/dot.ts";
import { mermaid } from "../../../../lab/graph/mermaid.ts";
import { html } from "../../../../lab/graph/page/html.ts";
import { svg } from "../../../../lab/graph/svg/svg.ts";
import { writeOut } from "../../../../plugin/stdio.ts";
import { shellWord } from "../../../../step/shellWords.ts";
import { command, UsageError } from "../../../command.ts";
import { diagramAsked } from "../../../labs/diagramAsked.ts";
import { reportingMistakes } from "../../../labs/mistakes.ts";
import { isTerminal, output } from "../../../output/terminal.ts";

const formats: Readonly<Record<"mermaid" | "dot" | "svg" | "html", (diagram: Diagram) => string | Promise<string>>> = {
  mermaid,
  dot,
  svg,
  html,
};
type Format = keyof typeof formats;
const names = Object.keys(formats) as Format[];

export default command({
  about: "Draw a lab: of a lab that is up as it is now, else as its file says.",
  usage: "[FILE] [--mermaid|--dot|--svg|--html]",
  operands: [0, 1],
  options: {
    lab: { type: "string", value: "NAME", about: "a lab that is up, by its name, instead of its file" },
    mermaid: { type: "boolean", about: "a flowchart of Mermaid, for Markdown (default)" },
    dot: { type: "boolean", about: "the language of Graphviz" },
    svg: { type: "boolean", about: "a picture, light or dark as the page around it" },
    html: { type: "boolean", about: "one page with the picture, tests and pods, without server or network" },
  },
  more: `
FILE is lab.yaml by default; without one, the only lab that is up. Writes to standard output: hosts, pods, bridges, links,
addresses, NAT, published ports, impairments; of a lab that is up also what is dead or down, and the last "lab test".

  ns-net lab graph shop.yaml --svg > shop.svg
  ns-net lab graph --lab shop --html > shop.html
  ns-net lab graph --dot | dot -Tpdf > lab.pdf`,

  run: ({ options, operands: [file] }) =>
    reportingMistakes(async () => {
      const wanted = names.filter((name) => options[name]);
      if (wanted.length > 1) throw new UsageError("give one of --mermaid, --dot, --svg and --html");
      if (file !== undefined && options.lab !== undefined) throw new UsageError("give a FILE or --lab");
      writeOut(await formats[wanted[0] ?? "mermaid"](await diagramAsked(file, options.lab)));
      if (wanted.length === 0 && isTerminal(output.standard))
        process.stderr.write(`\n${pictures(file, options.lab)}\n`);
      return 0;
    }),
});

/** For a person who asked without a format. */
function pictures(file: string | undefined, lab: string | undefined): string {
  const words = ["ns-net lab graph", ...(file ? [shellWord(file)] : []), ...(lab ? ["--lab", lab] : [])].join(" ");
  return `This is Mermaid, which Markdown draws. A picture: ${words} --svg > lab.svg`;
}
