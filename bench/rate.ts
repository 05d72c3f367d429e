/**
 * `npm run bench -- --rate`: pods a second, as far as CNI is concerned, one at a time and 32 at once: ADD of all, then DEL of
 * all, by whole processes.
 */
import { join } from "node:path";
import { findSandbox, sandboxEnvironment, sandboxMark } from "../scripts/sandbox.ts";
import { startAgent } from "./agentProcess.ts";
import { type Contestant, call, command, prepareHost } from "./contestant.ts";
import { figure, markdownTable, median } from "./statistics.ts";

const atOnce = [1, 32] as const;

/** Milliseconds for all pods. */
interface Times {
  readonly atOnce: number;
  readonly addMs: number;
  readonly delMs: number;
}

async function times(it: Contestant, many: number): Promise<Times[]> {
  prepareHost();
  using agent = new DisposableStack();
  if (it.label === "agent") agent.adopt(await startAgent(it.folder), (one) => one.end());
  const pods = Array.from({ length: many }, (_, i) => `rate-${i}`);
  for (const pod of pods) command("ip", "netns", "add", pod);
  const all: Times[] = [];
  // The first one creates the bridge, and loads what is cold.
  await callAll(it, "ADD", ["rate-0"], 1);
  await callAll(it, "DEL", ["rate-0"], 1);
  for (const callers of atOnce) {
    const addMs = await callAll(it, "ADD", pods, callers);
    all.push({ atOnce: callers, addMs, delMs: await callAll(it, "DEL", pods, callers) });
  }
  return all;
}

/** Empties a queue by that many callers. Answers milliseconds. Throws the output of a call that failed. */
async function callAll(it: Contestant, verb: "ADD" | "DEL", pods: readonly string[], callers: number): Promise<number> {
  const queue = [...pods];
  const caller = async () => {
    for (let pod = queue.shift(); pod !== undefined; pod = queue.shift()) {
      const { path, environment, stdin } = call(it, verb, pod);
      const child = Bun.spawn([path], { env: environment, stdio: [Buffer.from(stdin), "pipe", "pipe"] });
      const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      if (child.exitCode !== 0) throw new Error(`${it.label}: ${verb} of ${pod}: ${stdout}${stderr}`);
    }
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: callers }, caller));
  return performance.now() - startMs;
}

/** Runs one contestant in its own sandbox. */
async function inSandbox(it: Contestant, many: number): Promise<Times[]> {
  const sandbox = findSandbox();
  if (!sandbox.works) throw new Error(sandbox.reason);
  const self = [process.execPath, import.meta.filename, JSON.stringify(it), String(many)];
  const child = Bun.spawn(sandbox.wrap(self), { env: sandboxEnvironment, stdio: ["ignore", "pipe", "inherit"] });
  const said = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`${it.label} failed`);
  return JSON.parse(said);
}

/** A table of medians of `rounds`, in which the contestants take turns. */
export async function measureRate(contestants: readonly Contestant[], many: number, rounds: number): Promise<string> {
  const measured = contestants.map((): Times[][] => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, it] of contestants.entries()) measured[i]!.push(await inSandbox(it, many));
  const rows = (["addMs", "delMs"] as const).flatMap((verb) =>
    atOnce.map((callers, at) => {
      const rates = measured.map((all) => many / (median(all.map((one) => one[at]![verb])) / 1000));
      const reference = rates[contestants.findIndex(({ label }) => label === "reference")];
      const ratios = rates.flatMap((rate, i) =>
        contestants[i]!.label === "reference" || reference === undefined ? [] : [figure(reference / rate)],
      );
      return [`${verb === "addMs" ? "ADD" : "DEL"}, ${callers} at once`, ...rates.map(figure), ...ratios];
    }),
  );
  const labels = contestants.map(({ label }) => label);
  const ratios = labels.includes("reference") ? labels.filter((label) => label !== "reference") : [];
  const nat = contestants.some(({ ipMasq }) => ipMasq) ? "with ipMasq" : "without NAT";
  return markdownTable(
    [`${many} pods a second, ${nat}`, ...labels, ...ratios.map((label) => `time of ${label}`)],
    rows,
  );
}

if (import.meta.main) {
  if (process.env[sandboxMark] === undefined) throw new Error(`run it with: bun ${join("bench", "main.ts")} --rate`);
  const [it = "", many = "200"] = process.argv.slice(2);
  console.log(JSON.stringify(await times(JSON.parse(it), Number(many))));
}
