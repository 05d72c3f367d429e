/**
 * `npm run bench -- --labs`: `ns-net lab up` and `lab down` as whole processes, beside the same lab made by the script that
 * `lab script` prints, by a shorter one that a person would type, and by one with batch files.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findSandbox, sandboxEnvironment } from "../../scripts/sandbox.ts";
import { findProgram } from "../../scripts/setup/tools.mjs";
import { timed } from "../process.ts";
import { figure, markdownTable, median } from "../statistics.ts";
import { batchFilesOf, batchRemovalScript, batchScript, type Files } from "./batch.ts";
import { goalsOf } from "./goals.ts";
import { labFileOf, planOf } from "./plan.ts";
import type { Order, Round } from "./round.ts";
import { removalScriptOf, scriptOf } from "./script.ts";

interface Options {
  readonly executable: string;
  readonly pods: readonly number[];
  /** Rounds of each size; undefined: as many as it takes for a steady median. */
  readonly rounds: number | undefined;
  /** Also labs with an http server in each pod, by ns-net alone. */
  readonly serve: boolean;
}

/** Small labs vary more, and take less time. */
const roundsOf = (pods: number) => (pods < 100 ? 7 : 5);

const ours = "ns-net";
const printed = "lab script";
const labels = [ours, printed, "script", "batch"] as const;
const others = labels.filter((label) => label !== ours);
const serving = "ns-net with servers";

/** Answers tables, and a line for each goal. */
export async function measureLabs({ executable, pods, rounds, serve }: Options): Promise<string> {
  for (const program of ["nft", "ping", "sysctl", "nsenter"]) {
    if (findProgram(program) === undefined) throw new Error(`it needs ${program}`);
  }
  const rows: string[][] = [];
  const goals: string[] = [];
  for (const many of pods) {
    const all = await measured(executable, many, rounds ?? roundsOf(many), serve);
    rows.push(...rowsOf(many, all));
    const mediansOf = (label: string) => medians(all.get(label)!);
    goals.push(...goalsOf(many, { [ours]: mediansOf(ours), script: mediansOf("script") }));
    console.error(`bench: ${many} pods measured`);
  }
  const head = [
    "medians in ms (least to most)",
    "pods",
    "rounds",
    ...labels,
    ...others.map((label) => `ratio to ${label}`),
  ];
  const start = `A script starts a process for each command; one takes ${figure(processMs())} ms here (ip -V).`;
  return [markdownTable(serve ? [...head, serving] : head, rows), start, goals.join("\n")].join("\n\n");
}

/** The time of a command in a script that does nothing: it decides how a script compares. */
function processMs(): number {
  const many = 20;
  const words = ["-c", "ip -V;".repeat(many)];
  const program = { path: "sh", environment: { PATH: sandboxEnvironment.PATH }, stdin: "", arguments: words };
  return median(Array.from({ length: 5 }, () => timed(program).wallMs / many));
}

/** Rounds of all contestants in turn. The round before the first, which is not counted, checks that each lab works. */
async function measured(
  executable: string,
  pods: number,
  rounds: number,
  serve: boolean,
): Promise<ReadonlyMap<string, readonly Round[]>> {
  const folder = mkdtempSync(join(tmpdir(), "ns-net-bench-"));
  try {
    const orders = contestants(folder, executable, pods).filter(({ label }) => serve || label !== serving);
    const all = new Map<string, Round[]>(orders.map(({ label }) => [label, []]));
    for (const order of orders) await inSandbox({ ...order, check: true }, folder);
    for (let i = 0; i < rounds; i++) {
      for (const order of orders) all.get(order.label)!.push(await inSandbox(order, folder));
    }
    return all;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Writes the files of all contestants. */
function contestants(folder: string, executable: string, pods: number): Order[] {
  const plan = planOf(pods);
  const files: Files = {
    "lab.yaml": labFileOf(plan, false),
    "more.yaml": labFileOf(planOf(pods + 1), false),
    "serving.yaml": labFileOf(plan, true),
    "script.sh": scriptOf(plan),
    "script-removal.sh": removalScriptOf(plan),
    ...batchFilesOf(plan),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  for (const [name, option] of [["printed.sh"], ["printed-removal.sh", "--down"]] as const)
    writeFileSync(join(folder, name), printedBy(executable, join(folder, "lab.yaml"), ...(option ? [option] : [])));
  const lab = (file: string) => ({ up: [executable, "lab", "up", file], down: [executable, "lab", "down", file] });
  const script = (up: string, down: string) => ({ up: ["sh", up], down: ["sh", down] });
  const common = { pods, check: false };
  const apply = { file: "lab.yaml", more: "more.yaml", words: [executable, "lab", "apply", "lab.yaml"] };
  return [
    { ...common, label: ours, ...lab("lab.yaml"), apply },
    { ...common, label: printed, ...script("printed.sh", "printed-removal.sh") },
    { ...common, label: "script", ...script("script.sh", "script-removal.sh") },
    { ...common, label: "batch", ...script(batchScript, batchRemovalScript) },
    { ...common, label: serving, ...lab("serving.yaml") },
  ];
}

/** The output of `ns-net lab script`. */
function printedBy(executable: string, file: string, ...options: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([executable, "lab", "script", file, ...options]);
  if (exitCode !== 0) throw new Error(stderr.toString());
  return stdout.toString();
}

/** In a PID namespace, too, so that a lab ends with the round, whatever happens. */
async function inSandbox(order: Order, folder: string): Promise<Round> {
  const sandbox = findSandbox();
  if (!sandbox.works) throw new Error(sandbox.reason);
  const alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", '"$0" "$@"; exit $?'];
  const self = [process.execPath, join(import.meta.dirname, "round.ts"), JSON.stringify(order)];
  const child = Bun.spawn(sandbox.wrap([...alone, ...self]), {
    ...{ cwd: folder, env: sandboxEnvironment, stdio: ["ignore", "pipe", "inherit"] },
  });
  const [said] = await Promise.all([child.stdout.text(), child.exited]);
  if (child.exitCode !== 0) throw new Error(`the round of ${order.label} with ${order.pods} pods failed`);
  return JSON.parse(said);
}

const medians = (rounds: readonly Round[]): Round => ({
  upMs: median(rounds.map(({ upMs }) => upMs)),
  ...(rounds[0]?.applyMs === undefined ? {} : { applyMs: median(rounds.map(({ applyMs = 0 }) => applyMs)) }),
  downMs: median(rounds.map(({ downMs }) => downMs)),
});

function rowsOf(pods: number, all: ReadonlyMap<string, readonly Round[]>): string[][] {
  return (["upMs", "downMs"] as const).map((verb) => {
    const times = (label: string) => all.get(label)?.map((round) => round[verb]) ?? [];
    const ratio = (label: string) => {
      const other = times(label);
      const each = times(ours).map((ms, i) => ms / other[i]!);
      return withRange(median(times(ours)) / median(other), each);
    };
    const served = times(serving);
    return [
      ...[verb === "upMs" ? "up" : "down", String(pods), String(times(ours).length)],
      ...labels.map((label) => withRange(median(times(label)), times(label))),
      ...others.map(ratio),
      ...(served.length > 0 ? [withRange(median(served), served)] : []),
    ];
  });
}

const withRange = (middle: number, all: readonly number[]) =>
  `${figure(middle)} (${figure(Math.min(...all))} to ${figure(Math.max(...all))})`;
