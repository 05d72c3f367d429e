/** `ns-net lab ls` */
import { everyLab, isAlive, type LabState, readState } from "../../../lab/supervisor/state.ts";
import { sweep } from "../../../lab/supervisor/sweep.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { jsonOption } from "../../labs/options.ts";
import { type Column, table } from "../../output/table.ts";

export default command({
  about: "List labs.",
  usage: "[options]",
  operands: [0, 0],
  options: jsonOption,
  more: `
A lab is dead if its supervisor was killed: "ns-net lab down" removes what is left, "lab up" brings it up again.`,

  run({ options }) {
    sweep();
    const rows = everyLab().flatMap((name) => rowOf(readState(name)) ?? []);
    if (options.json) writeOut(`${JSON.stringify(rows, null, 2)}\n`);
    else writeOut(rows.length === 0 ? "No lab is up.\n" : table(columns, rows));
    return 0;
  },
});

type Row = NonNullable<ReturnType<typeof rowOf>>;

function rowOf(state: LabState | undefined) {
  if (state === undefined) return undefined;
  const isRunning = isAlive(state);
  return {
    lab: state.lab,
    file: state.file,
    pods: state.pods.length,
    state: isRunning ? (state.isUp ? "up" : "starting") : "dead",
    pid: isRunning ? state.pid : null,
    upSeconds: isRunning ? Math.round((Date.now() - state.startedMs) / 1000) : null,
  };
}

const columns: readonly Column<Row>[] = [
  { title: "LAB", cell: ({ lab }) => lab },
  { title: "PODS", isNumber: true, cell: ({ pods }) => String(pods) },
  { title: "STATE", cell: ({ state }) => state, style: ({ state }) => (state === "dead" ? "bad" : "good") },
  { title: "PID", isNumber: true, cell: ({ pid }) => String(pid ?? "") },
  { title: "FILE", yields: 1, widthMin: 20, cell: ({ file }) => file },
];
