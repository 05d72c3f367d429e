/** The agent as a service of systemd. deploy/ns-net-agent.service is the same text for the default folder. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import { makeFolder, putText, touching, type Undo } from "./files.ts";
import { fullName } from "./launcher.ts";
import { type Installed, sha256 } from "./record.ts";

const unitName = "ns-net-agent.service";
export const unitFolderDefault = "/etc/systemd/system";

/** sd_booted(3): true where systemd is the service manager. */
export const hasSystemd = () => existsSync("/run/systemd/system");

/** systemd.service(5). In a quoted word `%` and `"` are special. */
const word = (path: string) => `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%")}"`;

export function unitText(binDir: string): string {
  return `# Written by ns-net install --agent.
# Nothing here may give the agent a mount namespace of its own (ProtectSystem=, PrivateTmp= and others do): it declines
# the calls of other mount namespaces.
[Unit]
Description=ns-net agent, which serves calls of container runtimes
Documentation=man:ns-net(8)
Before=containerd.service crio.service nomad.service kubelet.service

[Service]
ExecStart=${word(join(binDir, fullName))} agent --metrics 127.0.0.1:9464
# The last tier of the JIT compiler costs memory with the number of calls, and no call becomes faster by it.
Environment=BUN_JSC_useFTLJIT=0
Restart=always
RestartSec=1
# A call that the agent serves may have started a plugin for its addresses, which may end by itself.
KillMode=mixed
TimeoutStopSec=10
OOMScoreAdjust=-900
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
`;
}

type Unit = NonNullable<Installed["unit"]>;

/**
 * Writes the unit, unless a person wrote or changed the one that is there. Answers what the record keeps of it; undefined
 * for another's.
 */
export function putUnit(
  folder: string,
  binDir: string,
  before: Unit | undefined,
  undo: Undo,
): { readonly unit: Unit | undefined; readonly said: string } {
  const path = join(folder, unitName);
  const text = unitText(binDir);
  const there = existsSync(path) ? readFileSync(path, "utf8") : undefined;
  if (there !== undefined && there !== text && (before?.path !== path || sha256(there) !== before.sha256))
    return { unit: before, said: `left ${path}: ns-net did not write it so` };
  makeFolder(folder, undo);
  undo.keep(path);
  putText(path, text);
  return { unit: { path, sha256: sha256(text) }, said: `wrote ${path}` };
}

/** Starts the agent now and at every boot; one that runs is restarted with the new executable. Throws Fault. */
export function startUnit(): void {
  systemctl("daemon-reload");
  systemctl("enable", unitName);
  systemctl("restart", unitName);
}

/**
 * Ends the agent that this unit started, and removes the unit. Answers a line for a person. Another unit of that name,
 * and one that was changed since, stay.
 */
export function removeUnit(unit: Unit): string {
  const { path } = unit;
  if (!existsSync(path)) return `left ${path} alone: it is gone`;
  if (sha256(readFileSync(path, "utf8")) !== unit.sha256) return `left ${path}, and its agent: it was changed since`;
  if (hasSystemd()) systemctl("disable", "--now", unitName);
  touching(`remove ${path}`, "Run it as root", () => rmSync(path, { force: true }));
  if (hasSystemd()) systemctl("daemon-reload");
  return `ended the agent, and removed ${path}`;
}

function systemctl(...words: readonly string[]): void {
  const command = `systemctl ${words.join(" ")}`;
  const failed = (why: string) =>
    new Fault(
      code.io,
      `Cannot run ${command}: ${why}`,
      `See why with: journalctl -u ${unitName}; then repeat this command`,
    );
  let done: Bun.SyncSubprocess<"ignore", "pipe">;
  try {
    done = Bun.spawnSync(["systemctl", ...words], { stdout: "ignore", stderr: "pipe" });
  } catch (error) {
    throw failed((error as Error).message);
  }
  if (done.exitCode !== 0) throw failed(done.stderr.toString().trim() || `exit code ${done.exitCode}`);
}
