/**
 * With NSNET_TEST_AGENT=yes, tests call the launcher instead of the executable, and each namespace that plays a host has an
 * agent. Calls that the agent leaves to the executable are counted, by reason: the runner prints them.
 */
import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

/** The socket of the host's agent, which is started if there is none. */
export function agentOf(host: Host | undefined): string {
  const key = host?.path ?? "";
  const known = agents.get(key);
  if (known && known.process.exitCode === null) return known.socket;
  sockets ??= mkdtempSync(join(tmpdir(), "ns-net-agents-"));
  const socket = join(sockets, `${process.hrtime.bigint()}.sock`);
  const log = `${socket}.log`;
  const command = [
    join(folder, "ns-net-full"),
    "agent",
    "--socket",
    socket,
    "--status-socket",
    `${socket}.status`,
    "--cold",
  ];
  const agent = Bun.spawn(host ? host.inside(command) : command, { stdio: ["ignore", "ignore", Bun.file(log)] });
  const deadlineMs = performance.now() + 10_000;
  while (!existsSync(socket)) {
    if (performance.now() > deadlineMs) throw new Error(`no agent at ${socket}: ${readFileSync(log, "utf8")}`);
    Bun.sleepSync(2);
  }
  agents.set(key, { process: agent, socket, log });
  return socket;
}

/** Ends the agent of a namespace that goes. */
export function endAgentOf(path: string): void {
  const agent = agents.get(path);
  if (!agent) return;
  agents.delete(path);
  agent.process.kill("SIGKILL");
  count(agent.log);
}

/** Ends all agents. */
export function endAgents(): void {
  for (const path of [...agents.keys()]) endAgentOf(path);
  if (sockets) rmSync(sockets, { recursive: true, force: true });
  sockets = undefined;
}

let tally: Record<string, number> = {};

/** How many calls the agents served since the last time, and how many they left to the executable, by reason. */
export function takeTally(): Readonly<Record<string, number>> {
  const taken = tally;
  tally = {};
  return taken;
}

function count(log: string): void {
  for (const line of readFileSync(log, "utf8").split("\n")) {
    if (!line.startsWith("{")) continue;
    const { what, reason, because = "" } = JSON.parse(line) as { what: string; reason?: string; because?: string };
    if (!["call", "declined", "handed back"].includes(what)) continue;
    const why = what === "declined" ? reason : because.replace(/\b(nsv|nsb)?[0-9a-f]{8,}\b|\/\S+/g, "…");
    const key = what === "call" ? "served" : `${what}: ${why}`;
    tally[key] = (tally[key] ?? 0) + 1;
  }
}

/** Skips a test that an agent cannot pass, for a reason that its users know. */
export function withoutAgent(context: Mocha.Context, because: string): void {
  if (isThroughAgent) skip(context, `through an agent, ${because}`);
}
