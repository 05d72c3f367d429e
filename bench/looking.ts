/**
 * `npm run bench -- --looking`: the commands that look at the machine, with 500 attachments that each have a published
 * port and a process.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findSandbox, sandboxEnvironment, sandboxMark } from "../scripts/sandbox.ts";
import { command } from "./contestant.ts";
import { type Run, timed } from "./process.ts";
import { figure, markdownTable, median } from "./statistics.ts";

const attachments = 500;
const atOnce = 8;
const runs = 10;
const warmUps = 2;

/** The most that the median of a command should take, in milliseconds, on a machine that does nothing else. */
const goalMs = 150;

/** The same for `explain`. */
const explainGoalMs = 200;

const looks = [
  ...([["ls"], ["ls", "--json"], ["ns", "ls"], ["ns", "ls", "--json"], ["ports"], ["ports", "--json"]] as const),
  ...([
    ["explain", "pod-3", "pod-400"],
    ["explain", "pod-3", "10.61.1.100"],
    ["explain", "pod-3", "host"],
  ] as const),
];

type Figures = Readonly<Record<string, { readonly wallMs: number; readonly cpuMs: number }>>;

/** Answers a table. Runs in a sandbox of its own. */
export async function measureLooking(executable: string): Promise<string> {
  const sandbox = findSandbox();
  if (!sandbox.works) throw new Error(sandbox.reason);
  // In a PID namespace of its own: other sandboxes of the machine have namespaces, too, which would be read.
  const alone = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", '"$0" "$@"; exit $?'];
  const child = Bun.spawn(sandbox.wrap([...alone, process.execPath, import.meta.path, executable]), {
    env: sandboxEnvironment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [stdout] = await Promise.all([child.stdout.text(), child.exited]);
  if (child.exitCode !== 0) throw new Error("the measurement failed");
  const all: Figures = JSON.parse(stdout);
  const rows = Object.entries(all).map(([words, { wallMs, cpuMs }]) => [
    words,
    figure(wallMs),
    figure(cpuMs),
    String(words.startsWith("explain") ? explainGoalMs : goalMs),
  ]);
  return markdownTable([`${attachments} attachments, medians of ${runs} in ms`, "wall", "CPU", "goal"], rows);
}

function measure(executable: string, dataDir: string): Figures {
  const figures: Record<string, { wallMs: number; cpuMs: number }> = {};
  for (const words of looks) {
    const [first, ...more] = words;
    const folder = first === "ns" ? [] : ["--data-dir", dataDir];
    const script = `exec "$0" ${[first, ...more, ...folder].join(" ")} > /dev/null`;
    const look = (): Run => timed({ path: "sh", environment: {}, stdin: "", arguments: ["-c", script, executable] });
    const all = Array.from({ length: warmUps + runs }, look).slice(warmUps);
    figures[words.join(" ")] = {
      wallMs: median(all.map((run) => run.wallMs)),
      cpuMs: median(all.map((run) => run.cpuMs)),
    };
  }
  return figures;
}

async function attachAll(executable: string, dataDir: string): Promise<void> {
  const queue = Array.from({ length: attachments }, (_, i) => i);
  const caller = async () => {
    for (let i = queue.shift(); i !== undefined; i = queue.shift()) {
      // Without a subnet it would depend on the configurations of the machine.
      const network = ["--subnet", "10.61.0.0/16", "--bridge", "bench0"];
      const words = ["add", `pod-${i}`, ...network, "--publish", `${10_000 + i}:80`, "--data-dir", dataDir];
      const child = Bun.spawn([executable, ...words], { stdio: ["ignore", "ignore", "inherit"] });
      if ((await child.exited) !== 0) throw new Error(`add pod-${i} failed`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, caller));
}

if (import.meta.main && process.env[sandboxMark]) {
  const executable = process.argv[2]!;
  const dataDir = mkdtempSync(join(tmpdir(), "ns-net-bench-"));
  const processes: Bun.Subprocess[] = [];
  try {
    command("ip", "link", "set", "lo", "up");
    await attachAll(executable, dataDir);
    for (let i = 0; i < attachments; i++) {
      processes.push(
        Bun.spawn(["nsenter", `--net=/run/netns/pod-${i}`, "sleep", "3600"], { stdio: ["ignore", "ignore", "ignore"] }),
      );
    }
    console.log(JSON.stringify(measure(executable, dataDir)));
  } finally {
    for (const one of processes) one.kill();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
