/**
 * `npm run bench -- --chain`: bridge with ipMasq, portmap with a port, firewall, bandwidth and tuning by the reference,
 * by our executable under the same five names, and by one call of type ns-net, without and with an agent.
 */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findSandbox } from "../scripts/sandbox.ts";
import type { Contestant, Round } from "./contestant.ts";
import { type Runner, startRunner } from "./runner.ts";
import { figure, markdownTable, median } from "./statistics.ts";

const chain = ["bridge", "portmap", "firewall", "bandwidth", "tuning"];
const warmUps = 2;
const connectionRounds = 5;

interface Options {
  readonly executable: string;
  readonly reference: string;
  /** The launcher before the executable. */
  readonly agentFolder: string;
  readonly runs: number;
  readonly pods: readonly number[];
}

function contestants(folder: string, { executable, reference, agentFolder }: Options): Contestant[] {
  for (const name of ["ns-net", ...chain]) symlinkSync(executable, join(folder, name));
  const all = { ipMasq: true, features: true };
  return [
    { ...all, label: "ns-net", folder, chain: ["ns-net"] },
    { ...all, label: "agent", folder: agentFolder, chain: ["ns-net"] },
    { ...all, label: "ns-net under five names", folder, chain },
    { ...all, label: "reference", folder: reference, chain },
  ];
}

async function rounds(runners: readonly Runner[], runs: number): Promise<Round[][]> {
  const all: Round[][] = runners.map(() => []);
  for (let i = 0; i < warmUps + runs; i++) {
    for (const [index, runner] of runners.entries()) {
      const round = await runner.round();
      if (i >= warmUps) all[index]!.push(round);
    }
  }
  return all;
}

/** Rows of a table: a verb with this many pods, each contestant's time, then the ratios to the reference. */
function rowsOf(pods: number, all: readonly Round[][]): string[][] {
  return (["add", "del"] as const).flatMap((verb) =>
    (["wallMs", "cpuMs"] as const).map((of) => {
      const medians = all.map((one) => median(one.map((round) => round[verb][of])));
      const ratios = medians.slice(0, -1).map((value) => figure(value / medians.at(-1)!));
      return [
        `${verb.toUpperCase()} ${of === "cpuMs" ? "CPU" : "wall"}`,
        String(pods),
        ...medians.map(figure),
        ...ratios,
      ];
    }),
  );
}

/** Connections through the first and the last published port, in turn. */
async function connections(runners: readonly Runner[], ports: number): Promise<string[][]> {
  const places = [0, ports - 1];
  const rates = places.map(() => runners.map((): number[] => []));
  for (let i = 0; i < connectionRounds; i++) {
    for (const [at, place] of places.entries()) {
      for (const [index, runner] of runners.entries()) rates[at]![index]!.push(await runner.connections(place));
    }
  }
  return places.map((place, at) => [
    `port ${place + 1} of ${ports}`,
    ...rates[at]!.map((all) => median(all).toFixed(0)),
  ]);
}

export async function measureChain(options: Options): Promise<string> {
  const sandbox = findSandbox();
  if (!sandbox.works) throw new Error(sandbox.reason);
  const folder = mkdtempSync(join(tmpdir(), "ns-net-bench-"));
  const runners: Runner[] = [];
  try {
    for (const it of contestants(folder, options)) runners.push(await startRunner(it, sandbox.wrap));
    const rows: string[][] = [];
    for (const pods of options.pods) {
      await Promise.all(runners.map((runner) => runner.fill(pods)));
      rows.push(...rowsOf(pods, await rounds(runners, options.runs)));
      console.error(`bench: ${pods} pods measured`);
    }
    const labels = runners.map(({ it }) => it.label);
    const times = markdownTable(
      ["medians in ms", "pods", ...labels, ...labels.slice(0, -1).map((label) => `ratio of ${label}`)],
      rows,
    );
    const ports = Math.max(...options.pods);
    if (ports === 0) return times;
    return [times, markdownTable(["connections a second", ...labels], await connections(runners, ports))].join("\n\n");
  } finally {
    for (const runner of runners) runner[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  }
}
