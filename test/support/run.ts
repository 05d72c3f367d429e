/**
 * `npm test`: all test files under mocha, several at a time, each worker in a sandbox of its own.
 * Mocha's own parallel mode does not end under Bun (its workers never answer), and a worker killed by a bad system
 * call would end the whole run; here it is one failed file.
 *
 *   bun test/support/run.ts [file or part of a path …] [-g pattern] [--jobs N] [--cpu] [--clients] [--agent]
 *                           [--failures-only]
 *
 * With `--cpu`, each line also has the CPU time of the file and all processes that it started (as root, with cgroup2).
 *
 * With `--agent`, the tests of the plugin alone, with its calls through launchers and agents (throughAgent.ts).
 *
 * With `--clients`, only test/clients/, one file at a time, each in a process namespace of its own: whatever a
 * container runtime starts there ends with it, even if the test is killed.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { progress } from "../../cli/output/progress.ts";
import { findSandbox, type Sandbox, sandboxEnvironment } from "../../scripts/sandbox.ts";
import { cpuMeter } from "./cpu.ts";
import type { Order, Outcome } from "./outcome.ts";
import { printFile, printSummary } from "./report.ts";

/**
 * A file that takes longer hangs in a system call, which mocha's own timeout cannot interrupt. Fuzzing on request takes
 * minutes.
 */
const fileLimitMs =
  (process.env["NSNET_FUZZ_SECONDS"] ? 30 * 60_000 : 600_000) * Number(process.env["NSNET_TEST_PATIENCE"] ?? 1);

const root = resolve(import.meta.dirname, "../..");
const worker = resolve(import.meta.dirname, "worker.ts");

const options = {
  grep: { type: "string", short: "g" },
  jobs: { type: "string", short: "j" },
  cpu: { type: "boolean", default: false },
  clients: { type: "boolean", default: false },
  agent: { type: "boolean", default: false },
  "failures-only": { type: "boolean", default: false },
} as const;

function refuse(message: string): never {
  console.error(`ns-net tests: ${message}`);
  process.exit(2);
}

function asked() {
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    return refuse(
      `${(error as Error).message}\n  Usage: npm test -- [file or part of a path …] [-g pattern] [--jobs N] [--cpu]`,
    );
  }
}

const { values, positionals } = asked();

/** How long each file took, from earlier runs. Only the order depends on it. */
const durationsFile = resolve(root, "dist/test-durations.json");

function knownDurations(): Record<string, number> {
  try {
    return JSON.parse(readFileSync(durationsFile, "utf8"));
  } catch {
    return {}; // the first run
  }
}

/** With a pattern a file may run one test of many, so its duration says nothing. */
function keepDurations(outcomes: readonly Outcome[]): void {
  if (values.grep !== undefined) return;
  const latest = Object.fromEntries(outcomes.map(({ file, durationMs }) => [file, Math.round(durationMs)]));
  try {
    writeFileSync(durationsFile, JSON.stringify({ ...knownDurations(), ...latest }));
  } catch {
    // Without it the next run has another order.
  }
}

/** Those of the first run. */
const slow =
  /faultInjection|torture|lab\/(failures|examples|impair|inside|graph|ui)|ports\/|firewalld|oracle\/|mixedWithReference|liveNode|release|dryRun\.|plugin\/(check|concurrency|signals|del|gc)\./;

/** The slow files first, so that no core ends the run alone with them. */
function slowestFirst(files: readonly string[]): string[] {
  const known = knownDurations();
  const durationOf = (file: string) => known[file] ?? (slow.test(file) ? Number.MAX_SAFE_INTEGER : 0);
  return files.toSorted((a, b) => durationOf(b) - durationOf(a));
}

/** Tests that call the executable as a runtime does. */
const pluginTests = ["test/plugin/", "test/ipam/", "test/step/"];

function testFiles(): string[] {
  const all = [...new Bun.Glob("test/**/*.test.ts").scanSync({ cwd: root })]
    .filter((file) => file.startsWith("test/clients/") === values.clients)
    .sort();
  const parts = positionals.length === 0 && values.agent && !values.clients ? pluginTests : positionals;
  const found = parts.map((part) => all.filter((file) => isIn(part, file)));
  const unknown = parts.filter((_, i) => found[i]!.length === 0);
  if (unknown.length > 0) refuse(`no test file matches ${unknown.join(", ")}`);
  return slowestFirst(parts.length === 0 ? all : [...new Set(found.flat())]);
}

/** `test/ip` is the folder, and a file of that name, and not test/ipam, too; `test/plugin/add` is part of a path. */
function isIn(part: string, file: string): boolean {
  const path = relative(root, resolve(part));
  if (path.startsWith("test/") && statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory())
    return file.startsWith(`${path}/`) || file.startsWith(`${path}.`);
  return file.includes(path) || file.includes(part);
}

/** The outcome of a file whose process died. */
const died = (file: string, how: string, durationMs: number): Outcome => ({
  file,
  passed: 0,
  failures: [{ title: "the process running this file", text: how }],
  skips: [],
  durationMs,
});

const pipeLimitMs = 1000;

const ownProcesses = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

const quiet = { NSNET_PHASES: "no", ...(values.agent && { NSNET_TEST_AGENT: "yes" }) };

const running = new Set<Bun.Subprocess>();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    for (const child of running) child.kill();
    process.exit(130);
  });
}

/** The output of a file's programs. It is shown if the file fails, because only then a person wants to read it. */
class Printed {
  private text = "";

  async collect(stream: unknown): Promise<void> {
    if (!(stream instanceof ReadableStream)) return;
    const decoder = new TextDecoder();
    for await (const bytes of stream) this.text += decoder.decode(bytes, { stream: true });
  }

  /** The outcome with the output below its last failure. */
  below(outcome: Outcome): Outcome {
    const [last, ...others] = outcome.failures.toReversed();
    const printed = this.text.trimEnd();
    this.text = "";
    if (last === undefined || printed === "") return outcome;
    const text = `${last.text}\nthe file printed:\n${printed}`;
    return { ...outcome, failures: [...others.toReversed(), { ...last, text }] };
  }
}

function start(sandbox: Sandbox, onMessage: (message: "ready" | Outcome) => void): Bun.Subprocess {
  const command = [...(values.clients ? ownProcesses : []), process.execPath, worker];
  const output = values["failures-only"] ? "pipe" : "inherit";
  const child = Bun.spawn(sandbox.works ? sandbox.wrap(command) : command, {
    cwd: root,
    env: { ...(sandbox.works ? sandboxEnvironment : { ...process.env, NSNET_NO_SANDBOX: sandbox.reason }), ...quiet },
    stdio: ["ignore", output, output],
    ipc: (message) => onMessage(message as "ready" | Outcome),
  });
  running.add(child);
  return child;
}

/** Takes files from the queue until it is empty. A worker that dies costs its file, and the next worker continues. */
async function serve(queue: string[], sandbox: Sandbox, report: (outcome: Outcome) => void): Promise<void> {
  while (queue.length > 0) {
    let file: string | undefined;
    let startMs = 0;
    let limit: ReturnType<typeof setTimeout> | undefined;
    let hung = false;
    const next = () => {
      clearTimeout(limit);
      file = queue.shift();
      startMs = performance.now();
      if (file === undefined) return child.disconnect();
      limit = setTimeout(() => {
        hung = true;
        child.kill("SIGKILL");
      }, fileLimitMs);
      child.send({
        file: resolve(root, file),
        ...(values.grep !== undefined && { grep: values.grep }),
      } satisfies Order);
    };
    const printed = new Printed();
    const end = (outcome: Outcome) => report(printed.below({ ...outcome, ...(meter && { cpuMs: meter.sinceMs() }) }));
    const child = start(sandbox, (message) => {
      if (message !== "ready") end({ ...message, file: relative(root, message.file) });
      next();
    });
    using meter = values.cpu ? cpuMeter(child.pid) : undefined;
    const collected = Promise.all([printed.collect(child.stdout), printed.collect(child.stderr)]);
    await child.exited;
    // A program that a test left behind may hold the pipe open for ever.
    await Promise.race([collected, Bun.sleep(pipeLimitMs)]);
    running.delete(child);
    clearTimeout(limit);
    if (file === undefined && startMs > 0) return;
    const how = hung
      ? `did not end within ${fileLimitMs / 1000} s`
      : `ended unexpectedly: ${child.signalCode ?? `exit code ${child.exitCode}`}`;
    end(died(file ?? "the worker", how, performance.now() - startMs));
    if (file === undefined) return;
  }
}

const files = testFiles();
/** More than cores: the kernel makes a test wait for its readers (RCU) whenever an interface is removed. */
const jobsUsual = Math.ceil(navigator.hardwareConcurrency * 1.5);
const jobsMax = Number(values.jobs ?? (values.clients ? 1 : jobsUsual));
const jobs = Math.max(1, Math.min(jobsMax, files.length));
const sandbox = findSandbox();
if (!values["failures-only"])
  console.log(
    `ns-net tests: ${files.length} ${files.length === 1 ? "file" : "files"}, ${jobs} at a time, Bun ${Bun.version}, Linux ${release()}`,
  );
if (!sandbox.works) console.log(`No sandbox, so every test on the real kernel is skipped: ${sandbox.reason}`);

const onlyFailures = values["failures-only"];
const outcomes: Outcome[] = [];
using line = progress("tests", files.length);
const queue = [...files];
await Promise.all(
  Array.from({ length: jobs }, () =>
    serve(queue, sandbox, (outcome) => {
      outcomes.push(outcome);
      if (onlyFailures) line.at(outcomes.length, outcome.file);
      else printFile(outcome, `${String(outcomes.length).padStart(String(files.length).length)}/${files.length}`);
    }),
  ),
);
line[Symbol.dispose]();
keepDurations(outcomes);
if (outcomes.every(({ passed, failures, skips }) => passed + failures.length + skips.length === 0))
  refuse(`no test has a title that matches ${values.grep ?? ""}`);
process.exit(printSummary(outcomes, !onlyFailures) ? 0 : 1);
