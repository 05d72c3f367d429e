/** `ns-net lab apply [FILE]` */
import { sourceOf } from "../../../lab/file/readLabFile.ts";
import type { Change } from "../../../lab/plan/differences.ts";
import { effects } from "../../../lab/plan/parts.ts";
import { type Applying, applying } from "../../../lab/supervisor/apply.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { explained } from "../../help.ts";
import { reportingMistakes } from "../../labs/mistakes.ts";
import { jsonOption } from "../../labs/options.ts";
import type { Style } from "../../output/colour.ts";
import { progress } from "../../output/progress.ts";
import { type Column, table } from "../../output/table.ts";

export default command({
  about: "Change a lab that is up to what its file says now, and nothing else. All or nothing.",
  usage: "[FILE] [options]",
  operands: [0, 1],
  options: {
    "dry-run": { type: "boolean", about: "show the differences, and change nothing" },
    ...jsonOption,
  },
  more: `
FILE is lab.yaml by default. A lab that is not up is brought up. Pods that do not change keep their processes, connections
and addresses. After a failure the lab is as it was before. Each change restarts:

${effectsText()}
  ns-net lab apply shop.yaml --dry-run
  ns-net lab apply shop.yaml`,

  run: ({ options, operands: [file = "lab.yaml"] }) =>
    reportingMistakes(async () => {
      const startMs = performance.now();
      using plan = await applying(sourceOf(file));
      const { lab, changes } = plan;
      if (!options.json && changes.length > 0) writeOut(table(columns, changes));
      if (!options["dry-run"]) await committed(plan);
      const ms = Math.round(performance.now() - startMs);
      if (options.json) writeOut(`${JSON.stringify({ lab: lab.name, changes, ms }, null, 2)}\n`);
      else if (options["dry-run"])
        writeOut(changes.length > 0 ? "Nothing was changed.\n" : `${lab.name} is as the file says\n`);
      else
        writeOut(`${lab.name} is as the file says${changes.length > 0 ? `: ${countOf(changes)} in ${ms} ms` : ""}\n`);
      return 0;
    }),
});

async function committed(plan: Applying): Promise<void> {
  using shown = progress(`changing ${plan.lab.name}`);
  await plan.commit((done, total, now) => shown.at(done, now, total));
}

const countOf = ({ length }: readonly Change[]) => `${length} ${length === 1 ? "change" : "changes"}`;

const styles: Readonly<Record<Change["change"], Style | undefined>> = {
  added: "good",
  removed: "bad",
  restarted: "unsure",
  changed: undefined,
};

const columns: readonly Column<Change>[] = [
  { title: "CHANGE", cell: ({ change }) => change, style: ({ change }) => styles[change] },
  { title: "WHAT", cell: ({ what }) => what },
  { title: "NAME", cell: ({ name }) => name },
  { title: "WHY", yields: 1, widthMin: 20, cell: ({ why }) => why.join("; ") },
];

/** The changes of a file by what each restarts. */
function effectsText(): string {
  return explained(effects().map(({ change, restarts }) => [restarts, change]));
}
