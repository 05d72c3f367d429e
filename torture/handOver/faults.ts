/**
 * kill -9 of the agent at each system call that it makes for a call handed over, in each of its threads; and of the launcher
 * at each of its own. The first must not be seen by the runtime at all. After the second, the runtime's DEL leaves nothing.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Kind, Options } from "../fault/fault.ts";
import { type Answer, folder, Host, haveUplink, must, uplink } from "../host.ts";
import { type Losses, noLosses, refused } from "../losses.ts";
import { type Agent, follow, launcher, socket, startAgent, strace } from "./agent.ts";
import { leftOf, type Subject, subjects } from "./subject.ts";

type Verb = "ADD" | "DEL";

/** One fault of these many is tried by `--short`. */
const sampledOf = { agent: 90, launcher: 12 };

/** Threads that wait or collect garbage make these as often as they like. */
const notCounted = new Set(["execve", "exit", "exit_group", "restart_syscall"]);

/** The name of a call and its number among those of that name, by the thread that makes most of them. */
type Point = readonly [name: string, when: number];

function pointsIn(trace: string): Point[] {
  const counts = new Map<string, Map<string, number>>();
  for (const line of trace.split("\n")) {
    const [, thread = "", name = ""] = /^(?:(\d+) +)?(\w+)\(/.exec(line) ?? [];
    if (name === "" || notCounted.has(name)) continue;
    const threads = counts.get(name) ?? new Map<string, number>();
    counts.set(name, threads.set(thread, (threads.get(thread) ?? 0) + 1));
  }
  return [...counts].flatMap(([name, threads]) =>
    Array.from({ length: Math.max(...threads.values()) }, (_, i): Point => [name, i + 1]),
  );
}

class Stage {
  readonly losses = noLosses();
  readonly host: Host;
  readonly subject: Subject;
  readonly #verb: Verb;
  /** Makes what the chained plugin comes after. */
  readonly #before: Host;
  agent: Agent | undefined;

  constructor(subject: Subject, verb: Verb) {
    this.subject = subject;
    this.#verb = verb;
    const environment = { NSNET_AGENT: socket };
    this.host = new Host("agent", { more: subject.more ?? {}, program: launcher(subject.type), environment });
    this.#before = new Host("agent");
    this.host.addPod("pod");
    this.host.clear();
    if (subject.needsUplink) haveUplink();
  }

  async end(): Promise<void> {
    await this.agent?.end();
    this.host.clear();
    if (this.subject.needsUplink) must("ip", "link", "del", uplink);
    this.host.deletePod("pod");
  }

  /** A new agent, and what comes before the call that is disturbed. */
  async prepare(): Promise<Agent> {
    if (!this.agent?.isAlive()) this.agent = await startAgent(this.host.dataDir);
    if (this.subject.isChained) {
      const { code, stdout } = this.#before.call("ADD", "pod");
      if (code !== 0) throw new Error(`ADD before ${this.subject.title}: ${stdout}`);
      this.host.more = { ...this.subject.more, prevResult: JSON.parse(stdout) };
    }
    if (this.#verb === "DEL") this.mustAdd("before the fault");
    return this.agent;
  }

  mustAdd(when: string): void {
    this.judgeAdd(this.host.call("ADD", "pod"), when);
  }

  /** The ADD succeeded, exactly once, and its result is what exists. */
  judgeAdd({ code, stdout, signal }: Answer, when: string): void {
    if (code !== 0) refused(this.losses, `ADD ${when} (${signal ?? code}): ${stdout}`);
    const complaint = code === 0 ? this.subject.complaint(this.host, JSON.parse(stdout)) : undefined;
    if (complaint === undefined) return;
    this.losses.doubles++;
    this.losses.stories.push(`doubles: ${complaint} after ADD ${when}`);
  }

  mustDel(when: string): void {
    const { code, stdout } = this.host.call("DEL", "pod");
    if (code !== 0) refused(this.losses, `DEL ${when}: ${stdout}`);
  }

  judgeNothingLeft(when: string): void {
    if (this.subject.isChained) this.#before.call("DEL", "pod");
    const { links, rows, rules } = leftOf(this.host);
    for (const [kind, count, what] of [
      ["links", links.length, links],
      ["leases", rows, rows],
      ["rules", rules.length, rules],
    ] as const) {
      this.losses[kind] += count;
      if (count > 0) this.losses.stories.push(`${kind}: ${what} after ${when}`);
    }
    if (links.length + rows + rules.length > 0) this.host.clear();
  }
}

const isSampled = (i: number, of: number, { short, seed }: Options) => !short || i % of === seed % of;

/** As often as a call does what it did not do the last time: the points of several calls are joined. */
const countingRounds = 2;

async function agentKilled(subject: Subject, verb: Verb, options: Options): Promise<Losses> {
  const stage = new Stage(subject, verb);
  const { host, losses } = stage;
  const points = new Map<string, Point>();
  for (let round = 0; round < countingRounds; round++) {
    const { pid } = await stage.prepare();
    const file = join(folder, "agent-calls.txt");
    const watcher = await follow(pid, "-o", file, "-e", "trace=all", "-e", "signal=none");
    const answer = host.call(verb, "pod");
    watcher.kill("SIGINT");
    await watcher.exited;
    if (answer.code !== 0) throw new Error(`${verb} of ${subject.title} failed under strace: ${answer.stdout}`);
    if (verb === "ADD") stage.mustDel("while counting");
    stage.judgeNothingLeft("counting");
    for (const point of pointsIn(readFileSync(file, "utf8"))) points.set(point.join(), point);
    await stage.agent?.end();
  }
  for (const [i, [name, when]] of [...points.values()].entries()) {
    if (!isSampled(i, sampledOf.agent, options)) continue;
    const { pid, isAlive } = await stage.prepare();
    const killer = await follow(
      pid,
      "-o",
      "/dev/null",
      "-e",
      `trace=${name}`,
      `--inject=${name}:signal=KILL:when=${when}`,
    );
    const answer = host.call(verb, "pod");
    await Bun.sleep(1);
    if (!isAlive()) losses.faults++;
    killer.kill("SIGKILL"); // its process is let go
    await killer.exited;
    const after = `with the agent killed at ${name} ${when} of ${verb}`;
    if (verb === "ADD") stage.judgeAdd(answer, after);
    else if (answer.code !== 0) refused(losses, `${verb} ${after}: ${answer.stdout}`);
    // The next call comes to the next agent, or to none.
    if (i % 2 === 0) await stage.agent?.end();
    if (i % 4 === 1 && !isAlive()) stage.agent = await startAgent(host.dataDir);
    if (verb === "ADD") stage.mustDel(after);
    stage.judgeNothingLeft(after);
  }
  await stage.end();
  return losses;
}

async function launcherKilled(subject: Subject, verb: Verb, options: Options): Promise<Losses> {
  const stage = new Stage(subject, verb);
  const { host, losses } = stage;
  await stage.prepare();
  const file = join(folder, "launcher-calls.txt");
  if (verb === "ADD") {
    // The agent leaves the first call on a host to the executable, whose system calls have a fault of their own.
    stage.mustAdd("before counting");
    stage.mustDel("before counting");
    stage.judgeNothingLeft("before counting");
    await stage.prepare();
  }
  const { code, stdout } = host.call(verb, "pod", [strace, "-o", file, "-e", "trace=all", "-e", "signal=none"]);
  if (code !== 0) throw new Error(`${verb} of ${subject.title} failed under strace: ${stdout}`);
  if (verb === "ADD") stage.mustDel("while counting");
  stage.judgeNothingLeft("counting");
  for (const [i, [name, when]] of pointsIn(readFileSync(file, "utf8")).entries()) {
    if (!isSampled(i, sampledOf.launcher, options)) continue;
    await stage.prepare();
    const kill = [strace, "-o", "/dev/null", "-e", `trace=${name}`, `--inject=${name}:signal=KILL:when=${when}`];
    if (host.call(verb, "pod", kill).signal !== undefined) losses.faults++;
    const after = `with the launcher killed at ${name} ${when} of ${verb}`;
    // A third of the runtimes send the ADD again, before the DEL that the specification asks for.
    if (i % 3 === 0 && verb === "ADD") host.call("ADD", "pod");
    stage.mustDel(after);
    stage.judgeNothingLeft(after);
    if (!stage.agent!.isAlive()) refused(losses, `the agent ended ${after}`);
    if (i % 5 === 0) {
      if (subject.isChained) await stage.prepare();
      if (verb === "ADD" || !subject.isChained) stage.mustAdd(`after ${after}`);
      stage.mustDel(`after ${after}`);
      stage.judgeNothingLeft(`the next pod, ${after}`);
    }
  }
  await stage.end();
  return losses;
}

export const handOver: readonly Kind[] = (
  [
    ["the agent", agentKilled],
    ["the launcher", launcherKilled],
  ] as const
).flatMap(([who, fault]) =>
  subjects.flatMap((subject) =>
    (["ADD", "DEL"] as const).map((verb) => ({
      title: `kill -9 of ${who} at each system call of ${verb} of ${subject.title}`,
      run: (options: Options) => fault(subject, verb, options),
    })),
  ),
);
