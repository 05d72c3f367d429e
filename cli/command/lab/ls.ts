/** `ns-net lab ls` */
import { everyLab, isAlive, readState } from "../../../lab/supervisor/state.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { type Column, table } from "../../output/table.ts";

export default command({
  about: "List labs.",
  usage: "[options]",
  operands: [0, 0],
  options: { json: { type: "boolean", about: "print JSON" } },

  run({ options }) {
    const rows = everyLab().flatMap((name) => rowOf(name) ?? []);
    if (options.json) writeOut(`${JSON.stringify(rows, null, 2)}\n`);
    else writeOut(rows.length === 0 ? "No lab is up.\n" : table(columns, rows));
    return 0;
  },
});

type Row = NonNullable<ReturnType<typeof rowOf>>;

const notPods = ["host", "outside"];

function rowOf(name: string) {
  const state = readState(name);
  if (state === undefined) return undefined;
  const isUp = isAlive(state);
  return {
    lab: name,
    file: state.file,
    pods: state.names.filter((one) => !notPods.includes(one)).length,
    state: isUp ? "up" : "dead",
    pid: isUp ? state.pid : null,
    upSeconds: isUp ? Math.round((Date.now() - state.startedMs) / 1000) : null,
  };
}

const columns: readonly Column<Row>[] = [
  { title: "LAB", cell: ({ lab }) => lab },
  { title: "PODS", isNumber: true, cell: ({ pods }) => String(pods) },
  { title: "STATE", cell: ({ state }) => state, style: ({ state }) => (state === "up" ? "good" : "bad") },
  { title: "PID", isNumber: true, cell: ({ pid }) => String(pid ?? "") },
  { title: "FILE", yields: 1, widthMin: 20, cell: ({ file }) => file },
];
