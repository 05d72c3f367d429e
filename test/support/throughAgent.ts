/**
 * With NSNET_TEST_AGENT=yes, tests call the launcher instead of the executable, and each namespace that plays a host has an
 * agent. Calls that the agent leaves to the executable are counted, by reason: the runner prints them.
 */
import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { socketDefault } from "../../agent/server.ts";
import { callsMade, callsServed } from "./outcome.ts";
import { skip } from "./skip.ts";

export const isThroughAgent = process.env["NSNET_TEST_AGENT"] === "yes";

const dist = join(import.meta.dirname, "../../dist");
const folder = join(dist, "through-agent");

/** The launcher, with the full executable beside it as in an installation. */
export function launcher(): string {
  mkdirSync(folder, { recursive: true });
  for (const [file, name] of [
    ["ns-net", "ns-net-full"],
    ["ns-net-launcher", "ns-net"],
  ] as const) {
    const draft = join(folder, `.${name}-${process.pid}`);
    rmSync(draft, { force: true });
    linkSync(join(dist, file), draft);
    renameSync(draft, join(folder, name));
    rmSync(draft, { force: true }); // rename(2) leaves both names of one file
  }
  return join(folder, "ns-net");
}

interface Agent {
  readonly process: Bun.Subprocess;
  readonly socket: string;
  readonly log: string;
}

/** By the path of the namespace; "" is the sandbox itself. */
const agents = new Map<string, Agent>();
let sockets: string | undefined;

interface Host {
  readonly path: string;
  inside(command: readonly string[]): string[];
}

/** The socket of the host's agent, which is started if there is none. For a call, which is counted. */
export function agentOf(host: Host | undefined): string {
  add(callsMade);
  const key = host?.path ?? "";
  const known = agents.get(key);
  if (known && known.process.exitCode === null) return known.socket;
  const socket = join(logs(), `${process.hrtime.bigint()}.sock`);
  const places = ["--socket", socket, "--status-socket", `${socket}.status`];
  start(key, host, [join(folder, "ns-net-full"), "agent", "--cold", ...places], socket);
  return socket;
}

function logs(): string {
  sockets ??= mkdtempSync(join(tmpdir(), "ns-net-agents-"));
  return sockets;
}

function start(key: string, host: Host | undefined, command: readonly string[], socket: string): Agent {
  const log = join(logs(), `${process.hrtime.bigint()}.log`);
  const child = Bun.spawn(host ? host.inside(command) : [...command], { stdio: ["ignore", "ignore", Bun.file(log)] });
  const deadlineMs = performance.now() + 10_000;
  while (!existsSync(socket)) {
    if (performance.now() > deadlineMs) throw new Error(`no agent at ${socket}: ${readFileSync(log, "utf8")}`);
    Bun.sleepSync(2);
  }
  const agent = { process: child, socket, log };
  agents.set(key, agent);
  return agent;
}

let usual: Agent | undefined;

/**
 * Starts the agent of a host at the socket where launchers look for one, because runtimes pass no variable of ours on. One
 * host of a sandbox at a time can have it. `program` is an executable that is installed.
 */
export async function startUsualAgent(host: Host, program: string): Promise<void> {
  if (agents.has(host.path)) return;
  await usual?.process.exited;
  rmSync(socketDefault, { force: true });
  usual = start(host.path, host, [program, "agent"], socketDefault);
}

/** Ends the agent of a namespace that goes. */
export function endAgentOf(path: string): void {
  const agent = agents.get(path);
  if (!agent) return;
  agents.delete(path);
  agent.process.kill("SIGKILL");
  count(eventsIn(agent.log));
}

/** The lines of the log of the host's agent. */
export function eventsOf(host: Host): readonly LogLine[] {
  const agent = agents.get(host.path);
  return agent ? eventsIn(agent.log) : [];
}

/** Ends all agents. */
export function endAgents(): void {
  for (const path of [...agents.keys()]) endAgentOf(path);
  if (sockets) rmSync(sockets, { recursive: true, force: true });
  sockets = undefined;
}

interface LogLine {
  readonly what: string;
  readonly verb?: string;
  readonly container?: string;
  readonly exitCode?: number;
  readonly reason?: string;
  readonly because?: string;
}

const eventsIn = (log: string): LogLine[] =>
  readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as LogLine);

let tally: Record<string, number> = {};

function add(key: string): void {
  tally[key] = (tally[key] ?? 0) + 1;
}

/** How many calls were made since the last time, how many the agents served, and how many they left to the executable, by reason. */
export function takeTally(): Readonly<Record<string, number>> {
  const taken = tally;
  tally = {};
  return taken;
}

function count(events: readonly LogLine[]): void {
  for (const { what, reason, because = "" } of events) {
    if (!["call", "declined", "handed back"].includes(what)) continue;
    const why = what === "declined" ? reason : because.replace(/\b(nsv|nsb)?[0-9a-f]{8,}\b|\/\S+/g, "…");
    add(what === "call" ? callsServed : `${what}: ${why}`);
  }
}

/** Skips a test that an agent cannot pass, for a reason that its users know. */
export function withoutAgent(context: Mocha.Context, because: string): void {
  if (isThroughAgent) skip(context, `through an agent, ${because}`);
}

/** Skips a test that needs something of the host to be gone for a while: an agent puts it back. */
export function withoutHealing(context: Mocha.Context): void {
  withoutAgent(context, "what the test removes from the host comes back at once");
}
