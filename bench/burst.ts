/**
 * `npm run bench -- --burst`: 500 ADDs, 32 at once, on a network that does not exist yet, by ns-net and by the
 * reference; then their removal by one DEL after the other, and by one GC.
 */
import { join } from "node:path";
import { findSandbox, sandboxEnvironment, sandboxMark } from "../scripts/sandbox.ts";
import { type Contestant, call, command, prepareHost } from "./contestant.ts";
import { type Program, timed } from "./process.ts";
import { figure, markdownTable } from "./statistics.ts";

const atOnce = 32;

interface Burst {
  readonly addMs: number;
  readonly failed: number;
  readonly doubles: number;
  readonly delMs?: number;
  readonly gcMs?: number;
}

async function burst(it: Contestant, many: number): Promise<Burst> {
  prepareHost();
  const pods = Array.from({ length: many }, (_, i) => `burst-${i}`);
  for (const pod of pods) command("ip", "netns", "add", pod);
  const added = await addAll(it, pods);
  if (it.label === "reference") return added;
  const startMs = performance.now();
  for (const pod of pods) timed(call(it, "DEL", pod));
  const delMs = performance.now() - startMs;
  await addAll(it, pods);
  const { wallMs: gcMs } = timed(collection(it));
  const left = Bun.spawnSync(["ip", "-j", "link"]).stdout.toString();
  if (/nsv/.test(left)) throw new Error("GC left links");
  return { ...added, delMs, gcMs };
}

/** A GC call without any valid attachment. */
function collection(it: Contestant): Program {
  const { path, environment, stdin } = call(it, "DEL", "any");
  const config = { ...JSON.parse(stdin), cniVersion: "1.1.0", "cni.dev/valid-attachments": [] };
  return { path, environment: { ...environment, CNI_COMMAND: "GC" }, stdin: JSON.stringify(config) };
}

/** Empties a queue by `atOnce` callers. */
async function addAll(it: Contestant, pods: readonly string[]): Promise<Burst> {
  const queue = [...pods];
  const addresses: string[] = [];
  let failed = 0;
  const caller = async () => {
    for (let pod = queue.shift(); pod !== undefined; pod = queue.shift()) {
      const { path, environment, stdin } = call(it, "ADD", pod);
      const child = Bun.spawn([path], { env: environment, stdio: [Buffer.from(stdin), "pipe", "pipe"] });
      const [stdout] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      if (child.exitCode === 0) addresses.push(JSON.parse(stdout).ips[0].address);
      else failed++;
    }
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: atOnce }, caller));
  return { addMs: performance.now() - startMs, failed, doubles: addresses.length - new Set(addresses).size };
}

/** Runs one contestant in its own sandbox. */
async function inSandbox(it: Contestant, many: number): Promise<Burst> {
  const sandbox = findSandbox();
  if (!sandbox.works) throw new Error(sandbox.reason);
  const self = [process.execPath, import.meta.filename, JSON.stringify(it), String(many)];
  const child = Bun.spawn(sandbox.wrap(self), { env: sandboxEnvironment, stdio: ["ignore", "pipe", "inherit"] });
  const said = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`${it.label} failed`);
  return JSON.parse(said);
}

export async function measureBurst(contestants: readonly Contestant[], many = 500): Promise<string> {
  const rows: string[][] = [];
  const all: Burst[] = [];
  for (const it of contestants) {
    const one = await inSandbox(it, many);
    all.push(one);
    const seconds = (ms: number | undefined) => figure(ms === undefined ? undefined : ms / 1000);
    rows.push([
      it.label,
      ...[seconds(one.addMs), String(one.failed), String(one.doubles)],
      seconds(one.delMs),
      seconds(one.gcMs),
    ]);
  }
  const head = [`${many} attachments`, "ADD s, 32 at once", "failed", "addresses twice", "DEL s, one by one", "gc s"];
  const ratio = all.length === 2 ? `\n\nADD: ${figure(all[0]!.addMs / all[1]!.addMs)} of the reference's time.` : "";
  return markdownTable(head, rows) + ratio;
}

if (import.meta.main) {
  if (process.env[sandboxMark] === undefined) throw new Error(`run it with: bun ${join("bench", "main.ts")} --burst`);
  const [it = "", many = "500"] = process.argv.slice(2);
  console.log(JSON.stringify(await burst(JSON.parse(it), Number(many))));
}
