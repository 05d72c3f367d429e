/**
 * `npm run bench`: times whole processes of ns-net and of the reference in turn within one run, so that both have the
 * same conditions.
 *
 * npm run bench -- [--pods 0,200,500] [--runs 40] [--quick] [--burst | --rate | --chain | --looking]
 * npm run bench -- --record   also the chain; writes docs/figures.json, from which `npm run documents` draws
 *   [--only reference|ns-net|agent] [--reference /usr/lib/cni]
 * npm run bench -- --labs [--pods 10,200] [--runs 7] [--serve]
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findSandbox } from "../scripts/sandbox.ts";
import { launcherOf, layBehindLauncher } from "./agentProcess.ts";
import type { Contestant, Round } from "./contestant.ts";
import { machineText } from "./machine.ts";
import { peakMemoryMiB } from "./memory.ts";
import { type Program, timed } from "./process.ts";
import { type Runner, startRunner } from "./runner.ts";
import { figure, markdownTable, median } from "./statistics.ts";
import { type Figures, growth, sideBySide } from "./tables.ts";

/** Rounds that do not count: they fill caches and load modules of the kernel. */
const warmUps = 3;
/** The documents show these figures. */
const figuresPath = join(import.meta.dirname, "../docs/figures.json");

const { values } = parseArgs({
  options: {
    pods: { type: "string" },
    runs: { type: "string" },
    quick: { type: "boolean", default: false },
    burst: { type: "boolean", default: false },
    rate: { type: "boolean", default: false },
    chain: { type: "boolean", default: false },
    record: { type: "boolean", default: false },
    looking: { type: "boolean", default: false },
    labs: { type: "boolean", default: false },
    serve: { type: "boolean", default: false },
    only: { type: "string" },
    reference: { type: "string", default: "/usr/lib/cni" },
  },
});
const runs = values.quick ? 15 : Number(values.runs ?? 40);
const numbers = (list: string) => list.split(",").map(Number);
const podCounts = values.quick ? [0] : numbers(values.pods ?? "0,200,500");
const ours = join(import.meta.dirname, "../dist/ns-net");
const only = values.labs ? "ns-net" : values.only;
const labels = (["ns-net", "agent", "reference"] as const).filter((label) => !only || only === label);
/** The launcher before the executable. */
const agentFolder = mkdtempSync("/tmp/ns-net-bench-agent-");
process.on("exit", () => rmSync(agentFolder, { recursive: true, force: true }));

function fail(message: string): never {
  console.error(`bench: ${message}`);
  process.exit(1);
}

const contestant = (label: (typeof labels)[number], ipMasq: boolean): Contestant => ({
  ...{ label, ipMasq, features: false },
  ...{
    "ns-net": { folder: join(ours, ".."), chain: ["ns-net"] },
    agent: { folder: agentFolder, chain: ["ns-net"] },
    reference: { folder: values.reference, chain: ["bridge"] },
  }[label],
});

/** A part of a measurement: a runner's plugin, or the floor on its bridge. */
interface Part {
  readonly label: Figures["label"];
  readonly ipMasq: boolean;
  round(): Promise<Round>;
}

/** The floor has no NAT, so one is enough. */
const partsOf = (runner: Runner, index: number): Part[] => [
  { ...runner.it, round: runner.round },
  ...(index === 0 ? [{ label: "floor" as const, ipMasq: false, round: runner.floor }] : []),
];

/** Runs rounds of all parts in turn: A B C D A B C D … */
async function measure(parts: readonly Part[]): Promise<Map<Part, Round[]>> {
  const rounds = new Map<Part, Round[]>(parts.map((part) => [part, []]));
  for (let i = 0; i < warmUps + runs; i++) {
    for (const part of parts) {
      const round = await part.round();
      if (i >= warmUps) rounds.get(part)?.push(round);
    }
  }
  return rounds;
}

function figures(pods: number, rounds: Map<Part, Round[]>): Figures[] {
  return [...rounds].flatMap(([{ ipMasq, label }, all]) =>
    (["add", "del"] as const).map((verb) => ({
      pods,
      ipMasq,
      label,
      verb,
      wallMs: median(all.map((round) => round[verb].wallMs)),
      cpuMs: median(all.map((round) => round[verb].cpuMs)),
    })),
  );
}

/** VERSION and memory, beside an empty compiled Bun program: the part that ns-net cannot change. */
function small(peakOfAdd: ReadonlyMap<string, number>): string {
  const folder = mkdtempSync("/tmp/ns-net-bench-");
  try {
    const empty = join(folder, "empty");
    writeFileSync(`${empty}.ts`, "export {};\n");
    const flags = [
      "--compile",
      "--minify",
      "--bytecode",
      "--no-compile-autoload-dotenv",
      "--no-compile-autoload-bunfig",
    ];
    Bun.spawnSync([process.execPath, "build", `${empty}.ts`, ...flags, "--outfile", empty], { cwd: folder });
    const programs: [string, string][] = [["an empty Bun program", empty]];
    if (labels.includes("ns-net")) programs.unshift(["ns-net", ours]);
    if (labels.includes("agent")) programs.push(["agent", join(agentFolder, "ns-net")]);
    if (labels.includes("reference")) programs.push(["reference", join(values.reference, "bridge")]);
    const call = (path: string): Program => ({
      path,
      environment: { CNI_COMMAND: "VERSION" },
      stdin: '{"cniVersion":"1.0.0"}',
    });
    const walls = new Map<string, number[]>(programs.map(([name]) => [name, []]));
    for (let i = 0; i < warmUps + runs; i++) {
      for (const [name, path] of programs) {
        const { wallMs } = timed(call(path));
        if (i >= warmUps) walls.get(name)?.push(wallMs);
      }
    }
    const rows = programs.map(([name, path]) => [
      name,
      figure(median(walls.get(name)!)),
      figure(median(Array.from({ length: 5 }, () => peakMemoryMiB(call(path))))),
      figure(peakOfAdd.get(name)),
    ]);
    return markdownTable(["", "VERSION ms", "peak MiB", "peak MiB of ADD"], rows);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (values.only && labels.length === 0) fail("--only takes reference, ns-net or agent");
if (existsSync(launcherOf(ours))) layBehindLauncher(ours, agentFolder);
else if (labels.includes("agent") || values.chain)
  fail("dist/ns-net-launcher is missing: install a C compiler, npm run build; or --only reference, or --only ns-net");
const sandbox = findSandbox();
if (!sandbox.works) fail(sandbox.reason);
const machine = `${machineText(values.reference)}${values.labs ? "" : `, ${runs} runs`}`;
console.log(`${machine}\n`);

if (values.burst) {
  const { measureBurst } = await import("./burst.ts");
  const both = labels.filter((label) => label !== "agent");
  console.log(await measureBurst(both.map((label) => contestant(label, true))));
  process.exit(0);
}

/** Pods a second. One round is enough to see the order of things: each figure is a sum of 200 calls. */
async function rate(ipMasq: boolean): Promise<string> {
  const { measureRate } = await import("./rate.ts");
  const [many, rounds] = values.quick ? [32, 1] : [200, values.rate ? Number(values.runs ?? 1) : 1];
  return measureRate(
    labels.map((label) => contestant(label, ipMasq)),
    many,
    rounds,
  );
}

if (values.rate) {
  for (const ipMasq of [true, false]) console.log(`${await rate(ipMasq)}\n`);
  process.exit(0);
}

if (values.labs) {
  const { measureLabs } = await import("./labs/measure.ts");
  const rounds = values.runs === undefined ? undefined : Number(values.runs);
  const pods = numbers(values.pods ?? "10,200");
  console.log(await measureLabs({ executable: ours, pods, rounds, serve: values.serve }));
  process.exit(0);
}

if (values.looking) {
  const { measureLooking } = await import("./looking.ts");
  console.log(await measureLooking(ours));
  process.exit(0);
}

async function chain(): Promise<string> {
  const { measureChain } = await import("./chain.ts");
  return measureChain({ executable: ours, agentFolder, reference: values.reference, runs, pods: podCounts });
}

if (values.chain) {
  console.log(await chain());
  process.exit(0);
}

const runners: Runner[] = [];
try {
  for (const ipMasq of [true, false]) {
    for (const label of labels) runners.push(await startRunner(contestant(label, ipMasq), sandbox.wrap));
  }
  const all: Figures[] = [];
  const peakOfAdd = new Map<string, number>();
  for (const runner of runners) peakOfAdd.set(runner.it.label, await runner.memory());
  for (const pods of podCounts) {
    await Promise.all(runners.map((runner) => runner.fill(pods)));
    all.push(...figures(pods, await measure(runners.flatMap(partsOf))));
    console.error(`bench: ${pods} pods measured`);
  }
  const tables = {
    calls: sideBySide(all, labels, podCounts),
    growth: growth(all, labels, podCounts),
    small: small(peakOfAdd),
    rate: await rate(false),
    ...(values.record && { chain: await chain() }),
  };
  console.log(
    Object.values(tables)
      .filter((table) => table !== "")
      .join("\n\n"),
  );
  if (values.record) writeFileSync(figuresPath, `${JSON.stringify({ machine, calls: all, tables }, null, 2)}\n`);
} finally {
  for (const runner of runners) runner[Symbol.dispose]();
}
