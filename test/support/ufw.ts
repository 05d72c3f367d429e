/** A real ufw on the host of a test: Debian's, unpacked (scripts/setup/tools.mjs), with its configuration in a folder of its own. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ufwFolder } from "../../scripts/setup/tools.mjs";
import { type Netns, run } from "./sandbox.ts";

export interface Ufw extends Disposable {
  /** `ufw …`. Throws with its output if it fails. */
  ask(...words: string[]): string;
}

/** As after the installation: not enabled. Disposing of it disables it. */
export function freshUfw(host: Netns): Ufw {
  const folder = mkdtempSync(join(tmpdir(), "ns-net-ufw-"));
  for (const place of ["etc/default", "lib/ufw", "run"]) mkdirSync(join(folder, place), { recursive: true });
  for (const place of ["etc/default/ufw", "etc/ufw", "lib/ufw"])
    cpSync(join(ufwFolder, place), join(folder, place), { recursive: true });
  // The package does so when it is installed.
  const shared = join(ufwFolder, "usr/share/ufw");
  cpSync(join(shared, "iptables"), join(folder, "etc/ufw"), { recursive: true });
  for (const name of ["ufw.conf", "before.init", "after.init"])
    cpSync(join(shared, name), join(folder, "etc/ufw", name));
  const python = `PYTHONPATH=${join(ufwFolder, "usr/lib/python3/dist-packages")}`;
  const program = ["/usr/bin/python3", join(ufwFolder, "usr/sbin/ufw"), `--rootdir=${folder}`, `--datadir=${folder}`];
  const ask = (...words: string[]) => run(host.inside(["env", python, ...program, ...words])).trim();
  return {
    ask,
    [Symbol.dispose]() {
      ask("disable");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
