/** podman with its CNI backend, which Debian's 4.3 still has, and its own configuration and storage. */
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { netavarkFolder } from "../../scripts/setup/tools.mjs";
import { referencePlugins } from "../support/plugin.ts";
import { type Netns, run } from "../support/sandbox.ts";
import { skip } from "../support/skip.ts";
import { mountCgroups, removeCgroups } from "./cgroups.ts";
import { writeImage } from "./image.ts";
import { installInto } from "./installed.ts";

export interface Podman extends Disposable {
  readonly image: string;
  readonly binaries: string;
  /** `podman …`. Throws with its output if it fails. */
  call(...words: string[]): string;
  configure(name: string, conflist: object): void;
}

/** podman's default with cgroup manager cgroupfs. */
const podmanGroup = "libpod_parent";

/** Skips unless podman's own way to make networks is unpacked. */
export function needsNetavark(context: Mocha.Context): void {
  if (!existsSync(netavark)) skip(context, "no netavark; npm run test:clients unpacks it");
}

const helpers = join(netavarkFolder, "usr/lib/podman");
export const netavark = join(helpers, "netavark");

export interface PodmanOptions {
  /** Other than the run as a whole. */
  readonly withAgent?: true;
  /** `reference`: CNI with the plugins of Debian alone. `netavark`: podman's own program. */
  readonly network?: "ours" | "reference" | "netavark";
}

export async function freshPodman(
  host: Netns,
  folder: string,
  { withAgent, network = "ours" }: PodmanOptions = {},
): Promise<Podman> {
  const [binaries, networks] = [join(folder, "bin"), join(folder, "net.d")];
  for (const place of [binaries, networks, join(folder, "image")]) mkdirSync(place, { recursive: true });
  await installInto(binaries, host, withAgent);
  for (const name of ["bridge", "host-local", "portmap", "firewall", "tuning"]) {
    if (existsSync(join(referencePlugins, name))) symlinkSync("ns-net", join(binaries, name));
  }
  mountCgroups();
  writeFileSync(
    join(folder, "containers.conf"),
    `[containers]
cgroups = "enabled"
default_ulimits = ["nofile=1024:4096", "nproc=1024:4096"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
tmp_dir = "${folder}/tmp"
helper_binaries_dir = ["${helpers}", "/usr/lib/podman", "/usr/libexec/podman"]
[network]
network_backend = "${network === "netavark" ? "netavark" : "cni"}"
cni_plugin_dirs = ["${network === "reference" ? referencePlugins : binaries}"]
network_config_dir = "${networks}"
`,
  );
  writeFileSync(
    join(folder, "storage.conf"),
    `[storage]\ndriver = "vfs"\ngraphroot = "${folder}/graph"\nrunroot = "${folder}/run"\n`,
  );
  const image = "localhost/ns-net-box:1";
  const archive = await writeImage(join(folder, "image"), image, ["sleep", "1000000"]);
  const environment = [
    `CONTAINERS_CONF=${folder}/containers.conf`,
    `CONTAINERS_STORAGE_CONF=${folder}/storage.conf`,
    `XDG_RUNTIME_DIR=${folder}/run`,
  ];
  const policy = join(folder, "policy.json");
  writeFileSync(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  const call = (...words: string[]) => run(host.inside(["env", ...environment, "podman", ...words])).trim();
  call("load", "--quiet", "--signature-policy", policy, "--input", archive);
  return {
    image,
    binaries,
    call,
    configure: (name, conflist) => writeFileSync(join(networks, `${name}.conflist`), JSON.stringify(conflist)),
    [Symbol.dispose]() {
      call("rm", "--all", "--force", "--time", "0");
      removeCgroups(podmanGroup);
      const mounts = run(["cat", "/proc/self/mounts"])
        .split("\n")
        .map((line) => line.split(" ")[1] ?? "");
      for (const path of mounts.reverse().filter((path) => path.startsWith(`${folder}/`))) run(["umount", "-l", path]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
