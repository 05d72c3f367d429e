/** containerd with its own configuration, state and socket, in the namespace that plays the host. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Daemon, startDaemon, until } from "../support/daemon.ts";
import { referencePlugins } from "../support/plugin.ts";
import { type Netns, run } from "../support/sandbox.ts";
import { mountCgroups, removeCgroups } from "./cgroups.ts";
import { type Cri, connect } from "./cri.ts";
import { writeImage } from "./image.ts";
import { installInto } from "./installed.ts";

export interface Containerd extends AsyncDisposable {
  readonly cri: Cri;
  readonly socket: string;
  /** `ctr …` in containerd's namespace of the image. Throws with its output if it fails. */
  ctr(...words: string[]): string;
  /** The folder of plugins: ours, and those that the test adds. */
  readonly binaries: string;
  /**
   * Writes the conflist as users of kubelet should: beside, then renamed. Waits until containerd has read it.
   * `loopback`: a plugin other than ours.
   */
  configure(conflist: object | string, loopback?: string): Promise<void>;
  /** Adds a second network for each pod, or removes it if undefined. */
  configureSecond(conflist: object | undefined): Promise<void>;
  /** Kills it. Its containers keep running. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

export const sandboxImage = "localhost/ns-net-pause:1";

const words = (text: string) => text.split(/\s+/).filter((word) => word !== "");

const configuration = (folder: string, snapshotter: string) => `
version = 2
root = "${folder}/root"
state = "${folder}/state"
[grpc]
  address = "${folder}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${sandboxImage}"
  netns_mounts_under_state_dir = true
  restrict_oom_score_adj = true
  disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "${snapshotter}"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "${folder}/bin"
  conf_dir = "${folder}/net.d"
  max_conf_num = 2
`;

/** `withAgent`: other than the run as a whole. */
export async function freshContainerd(host: Netns, folder: string, withAgent?: true): Promise<Containerd> {
  const socket = join(folder, "containerd.sock");
  const binaries = join(folder, "bin");
  for (const place of ["bin", "net.d", "pause"]) mkdirSync(join(folder, place), { recursive: true });
  await installInto(binaries, host, withAgent);
  symlinkSync("ns-net", join(binaries, "loopback"));
  for (const other of ["bridge", "portmap", "host-local", "bandwidth", "firewall"]) {
    if (existsSync(join(referencePlugins, other))) {
      symlinkSync(join(referencePlugins, other), join(binaries, other));
    }
  }
  mountCgroups();
  writeFileSync(join(folder, "config.toml"), configuration(folder, "native"));
  const image = await writeImage(join(folder, "pause"), sandboxImage, ["sleep", "1000000"]);
  const inNamespace = (name: string, ...words: string[]) =>
    run(host.inside(["ctr", "--address", socket, "--namespace", name, ...words]));
  const ctr = (...words: string[]) => inNamespace("k8s.io", ...words);
  let daemon: Daemon | undefined;
  let cri: Cri | undefined;
  const containerd: Containerd = {
    socket,
    ctr,
    binaries,
    get cri() {
      cri ??= connect(socket);
      return cri;
    },
    async configure(conflist, loopback = "ns-net") {
      rmSync(join(binaries, "loopback"));
      symlinkSync(loopback, join(binaries, "loopback"));
      const path = join(folder, "net.d/10-test.conflist");
      writeFileSync(`${path}.tmp`, typeof conflist === "string" ? conflist : JSON.stringify(conflist));
      renameSync(`${path}.tmp`, path);
      await until("containerd takes up the conflist", async () => !(await containerd.cri.networkComplaint()));
      // A watcher reads the changed file, and reports nothing.
      await Bun.sleep(300);
    },
    async configureSecond(conflist) {
      const path = join(folder, "net.d/20-second.conflist");
      rmSync(path, { force: true });
      if (conflist) writeFileSync(`${path}.tmp`, JSON.stringify(conflist));
      if (conflist) renameSync(`${path}.tmp`, path);
      await Bun.sleep(300);
    },
    async kill() {
      cri?.[Symbol.dispose]();
      cri = undefined;
      await daemon?.end("SIGKILL");
    },
    async start() {
      daemon = await startDaemon(
        host,
        ["containerd", "--config", join(folder, "config.toml")],
        join(folder, "log"),
        () => ctr("version"),
      );
      await until("CRI answers", () => containerd.cri.list());
    },
    async [Symbol.asyncDispose]() {
      for (const id of await containerd.cri.list()) {
        await containerd.cri.stop(id).catch(() => undefined);
        await containerd.cri.remove(id).catch(() => undefined);
      }
      // The containers of ctr. runc keeps their states in /run/containerd/runc, which all daemons share: one that stays
      // there keeps the next test from a container of this name.
      for (const namespace of words(run(host.inside(["ctr", "--address", socket, "namespaces", "list", "--quiet"]))))
        for (const task of words(inNamespace(namespace, "tasks", "list", "--quiet")))
          inNamespace(namespace, "tasks", "delete", "--force", task);
      cri?.[Symbol.dispose]();
      await daemon?.end();
      removeCgroups();
      // The mounts of a killed runtime.
      const mounts = readFileSync("/proc/self/mounts", "utf8")
        .split("\n")
        .map((line) => line.split(" ")[1] ?? "");
      for (const path of mounts.reverse().filter((path) => path.startsWith(`${folder}/`))) run(["umount", "-l", path]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await containerd.start();
  ctr("images", "import", "--snapshotter", "native", image);
  return containerd;
}
