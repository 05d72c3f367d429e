/** An agent for the faults, and the launcher in front of it, which is called by the name of the plugin's type. */
import { copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { folder, plugin } from "../host.ts";

const bin = join(folder, "bin");
export const socket = join(folder, "agent.sock");
const log = join(folder, "agent.log");

/** By its path, because strace passes the plugin's environment on, which has no PATH. */
export const strace = Bun.which("strace") ?? "strace";

/** The launcher's path under the name of a type. */
export function launcher(type: string): string {
  mkdirSync(bin, { recursive: true });
  if (!existsSync(join(bin, "ns-net-full"))) {
    copyFileSync(`${plugin}-launcher`, join(bin, "ns-net"));
    try {
      linkSync(plugin, join(bin, "ns-net-full"));
    } catch {
      copyFileSync(plugin, join(bin, "ns-net-full")); // another file system
    }
  }
  if (!existsSync(join(bin, type))) symlinkSync("ns-net", join(bin, type));
  return join(bin, type);
}

export interface Agent {
  readonly pid: number;
  readonly isAlive: () => boolean;
  end(): Promise<void>;
}

/** Bun learns of the end of its children only between synchronous calls. */
function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !"ZX".includes(stat.slice(stat.lastIndexOf(")") + 2)[0]!);
  } catch {
    return false;
  }
}

const patienceMs = 20_000;

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`Not within ${patienceMs} ms: ${what}`);
    await Bun.sleep(2);
  }
}

/** Starts one that is not warm, and waits until it accepts calls. */
export async function startAgent(dataDir: string): Promise<Agent> {
  launcher("ns-net");
  rmSync(socket, { force: true });
  const words = ["--cold", "--socket", socket, "--status-socket", `${socket}.status`, "--data-dir", dataDir];
  const child = Bun.spawn([join(bin, "ns-net-full"), "agent", ...words], {
    env: { ...process.env, BUN_JSC_useFTLJIT: "0" }, // as its unit says (cli/install/unit.ts)
    stdio: ["ignore", "ignore", Bun.file(log)],
  });
  await until("the agent listens", () => {
    if (child.exitCode !== null) throw new Error(`the agent ended: ${readFileSync(log, "utf8")}`);
    return existsSync(`${socket}.status`);
  });
  return {
    pid: child.pid,
    isAlive: () => isRunning(child.pid),
    async end() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Has strace follow all threads of a process, with these options. Resolves once it does. */
export async function follow(pid: number, ...options: readonly string[]): Promise<Bun.Subprocess> {
  const child = Bun.spawn([strace, "-f", "-p", String(pid), ...options], { stdio: ["ignore", "ignore", "pipe"] });
  const reader = child.stderr.getReader();
  let said = "";
  while (!said.includes("attached")) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`strace does not follow process ${pid}: ${said}`);
    said += new TextDecoder().decode(value);
  }
  void (async () => {
    while (!(await reader.read()).done);
  })();
  return child;
}
