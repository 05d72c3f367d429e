/** A real firewalld in the host of a test, on its own message bus: Debian's, unpacked (scripts/setup/tools.mjs). */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unpackedFolder } from "../../scripts/setup/tools.mjs";
import { startDaemon } from "./daemon.ts";
import { type Netns, run } from "./sandbox.ts";

export interface Firewalld extends AsyncDisposable {
  /** The environment of a plugin: the address of the message bus. */
  readonly environment: Readonly<Record<string, string>>;
  /** `firewall-cmd …`: a process of Python, which takes a third of a second. */
  ask(...words: string[]): string;
  /** The addresses in a zone, in order. */
  sourcesOf(zone: string): string[];
  end(): Promise<void>;
}

/** All users may do everything: only this test knows the bus. */
const busConfiguration = (path: string) => `<busconfig>
  <type>system</type><listen>unix:path=${path}</listen><auth>EXTERNAL</auth>
  <policy context="default">
    <allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
    <allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>`;

export async function startFirewalld(host: Netns): Promise<Firewalld> {
  const folder = mkdtempSync(join(tmpdir(), "ns-net-firewalld-"));
  const socket = join(folder, "bus");
  writeFileSync(join(folder, "bus.conf"), busConfiguration(socket));
  mkdirSync(join(folder, "etc"));
  const environment = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${socket}` };
  const python = (program: string, words: readonly string[]) => [
    ...["env", `DBUS_SYSTEM_BUS_ADDRESS=${environment.DBUS_SYSTEM_BUS_ADDRESS}`],
    `PYTHONPATH=${join(unpackedFolder, "usr/lib/python3/dist-packages")}`,
    ...["/usr/bin/python3", join(unpackedFolder, program), ...words],
  ];
  const ask = (...words: string[]) => run(host.inside(python("usr/bin/firewall-cmd", words))).trim();
  const firewalldSays = (method: string, ...words: string[]) => {
    const [name, path] = ["org.fedoraproject.FirewallD1", "/org/fedoraproject/FirewallD1"];
    const send = ["dbus-send", `--bus=unix:path=${socket}`, "--print-reply", `--dest=${name}`, path, method];
    return [...run(host.inside([...send, ...words.map((word) => `string:${word}`)])).matchAll(/string "(.*)"/g)].map(
      ([, text]) => text!,
    );
  };
  const log = join(folder, "log");
  const bus = await startDaemon(
    host,
    ["dbus-daemon", "--nofork", `--config-file=${join(folder, "bus.conf")}`],
    log,
    () => existsSync(socket),
  );
  const daemon = await startDaemon(
    host,
    python("usr/sbin/firewalld", [
      ...["--nofork", "--nopid", "--default-config", join(unpackedFolder, "usr/lib/firewalld")],
      ...["--system-config", join(folder, "etc"), "--log-file", join(folder, "firewalld.log")],
    ]),
    log,
    () =>
      firewalldSays("org.freedesktop.DBus.Properties.Get", "org.fedoraproject.FirewallD1", "state")[0] === "RUNNING",
  );
  return {
    environment,
    ask,
    sourcesOf: (zone) => firewalldSays("org.fedoraproject.FirewallD1.zone.getSources", zone).sort(),
    end: () => daemon.end(),
    async [Symbol.asyncDispose]() {
      await daemon.end();
      await bus.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
