/**
 * `npm run torture`: faults of every kind, each followed by a runtime's next calls and a count of what is left.
 *
 * npm run torture -- [--short] [--seed N] [--only part of a title] [--but part of a title]
 */
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { markdownTable } from "../bench/statistics.ts";
import { findSandbox, sandboxEnvironment, sandboxMark } from "../scripts/sandbox.ts";
import { clock } from "./fault/clock.ts";
import { diskFull, readOnly } from "./fault/disk.ts";
import { type Kind, randomFrom } from "./fault/fault.ts";
import { reboot } from "./fault/reboot.ts";
import { systemCalls } from "./fault/systemCall.ts";
import { underLoad } from "./fault/underLoad.ts";
import { handOver } from "./handOver/faults.ts";
import { manyCalls } from "./handOver/manyCalls.ts";
import { kinds, type Losses, lossCount } from "./losses.ts";

/** Reboots come last, because they leave another boot id behind. */
const faults: readonly Kind[] = [...systemCalls, ...handOver, manyCalls, underLoad, diskFull, readOnly, clock, reboot];

const options = {
  short: { type: "boolean", default: false },
  seed: { type: "string", default: "1" },
  only: { type: "string", default: "" },
  but: { type: "string", multiple: true, default: [] as string[] },
} satisfies ParseArgsOptionsConfig;

function refuse(message: string): never {
  console.error(`torture: ${message}; the faults are:\n${faults.map(({ title }) => `  ${title}\n`).join("")}`);
  process.exit(2);
}

function asked() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(
      `${(error as Error).message} Usage: npm run torture -- [--short] [--seed N] [--only TEXT] [--but TEXT]`,
    );
  }
}

const values = asked();
const isMeant = ({ title }: Kind) => title.includes(values.only) && !values.but.some((part) => title.includes(part));
if (!faults.some(isMeant)) refuse(`no fault matches --only ${JSON.stringify(values.only)}`);

function tableOf(all: ReadonlyMap<string, Losses>): string {
  const rows = [...all].map(([title, losses]) => [
    title,
    ...["faults" as const, ...kinds].map((k) => String(losses[k])),
  ]);
  const sum = (key: "faults" | (typeof kinds)[number]) => [...all.values()].reduce((total, one) => total + one[key], 0);
  rows.push(["all", ...["faults" as const, ...kinds].map((key) => String(sum(key)))]);
  return markdownTable(
    [
      "fault",
      "tried",
      "links left",
      "leases left",
      "rules left",
      "namespaces left",
      "addresses twice",
      "calls refused",
    ],
    rows,
  );
}

async function torture(): Promise<number> {
  const all = new Map<string, Losses>();
  for (const { title, run } of faults.filter(isMeant)) {
    const startMs = performance.now();
    const seed = Number(values.seed);
    const losses = await run({ short: values.short, seed, random: randomFrom(seed) });
    all.set(title, losses);
    console.error(`torture: ${title}: ${losses.faults} faults, ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
    for (const story of losses.stories.slice(0, 20)) console.error(`  ${story}`);
  }
  console.log(tableOf(all));
  return [...all.values()].some((losses) => lossCount(losses) > 0) ? 1 : 0;
}

if (process.env[sandboxMark] === undefined) {
  const sandbox = findSandbox();
  if (!sandbox.works) {
    console.error(`torture: ${sandbox.reason}`);
    process.exit(1);
  }
  const self = [process.execPath, import.meta.filename, ...process.argv.slice(2)];
  const child = Bun.spawn(sandbox.wrap(self), { env: sandboxEnvironment, stdio: ["ignore", "inherit", "inherit"] });
  process.exit(await child.exited);
}
process.exit(await torture());
