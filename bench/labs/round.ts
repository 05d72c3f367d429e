/**
 * One round of one contestant: a lab is brought up, and removed. Runs as a process in a sandbox of its own, which is the
 * lab's host for a script. It begins as empty as the host that ns-net makes for itself.
 */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { sandboxEnvironment, sandboxMark } from "../../scripts/sandbox.ts";
import { type Program, timed } from "../process.ts";
import { awaitCleanup } from "./cleanup.ts";
import { type Plan, planOf } from "./plan.ts";

export interface Order {
  readonly label: string;
  readonly pods: number;
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** Absent: the contestant changes no lab that is up. */
  readonly apply?: {
    /** The file of the lab, and one with a pod more, which takes its place meanwhile. */
    readonly file: string;
    readonly more: string;
    readonly words: readonly string[];
  };
  /** Sends traffic between two readings of the clock, to see that the lab works. */
  readonly check: boolean;
}

export interface Round {
  readonly upMs: number;
  /** A pod is added while the others go on. */
  readonly applyMs?: number;
  readonly downMs: number;
}

async function round({ label, pods, up, apply, down, check }: Order): Promise<Round> {
  const upMs = timed(programOf(up)).wallMs;
  if (check) checkTraffic(label, planOf(pods));
  const applyMs = apply && appliedMs(apply);
  const downMs = timed(programOf(down)).wallMs;
  await awaitCleanup();
  return { upMs, downMs, ...(applyMs === undefined ? {} : { applyMs }) };
}

function appliedMs({ file, more, words }: NonNullable<Order["apply"]>): number {
  const before = readFileSync(file);
  copyFileSync(more, file);
  try {
    return timed(programOf(words)).wallMs;
  } finally {
    writeFileSync(file, before);
  }
}

const programOf = ([path, ...words]: readonly string[]): Program => ({
  path: path!,
  environment: { PATH: sandboxEnvironment.PATH },
  stdin: "",
  arguments: words,
});

const nothingSent = "0 packets transmitted";
const fullTable =
  'If the kernel log has "neighbor table overflow": all namespaces of the machine share one table of neighbours. ' +
  "End other labs, or raise net.ipv4.neigh.default.gc_thresh3 on the machine.";

/** From the first pod and from the last: a pod on the same network, and one on another. Throws if one does not answer. */
function checkTraffic(label: string, { pods }: Plan): void {
  for (const from of [pods[0]!, pods.at(-1)!]) {
    const same = pods.find((pod) => pod !== from && pod.network === from.network)!;
    const other = pods.find((pod) => pod.network !== from.network)!;
    for (const to of [same, other]) {
      const ping = ["ip", "netns", "exec", from.namespace, "ping", "-n", "-c", "1", "-w", "10", to.address];
      const { exitCode, stdout, stderr } = Bun.spawnSync(ping);
      if (exitCode === 0) continue;
      const what = `the lab of ${label} does not work: ${from.name} does not reach ${to.name}`;
      const said = `${stdout}${stderr}`.trim();
      throw new Error(`${what}\n${said}${said.includes(nothingSent) ? `\n${fullTable}` : ""}`);
    }
  }
}

if (import.meta.main) {
  if (process.env[sandboxMark] === undefined) throw new Error("run it with: npm run bench -- --labs");
  console.log(JSON.stringify(await round(JSON.parse(process.argv[2]!))));
}
