/** Debian's docker, unpacked and not installed, with its own daemon and containerd in the namespace that plays the host. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { dockerFolder, findProgram } from "../../scripts/setup/tools.mjs";
import { startDaemon } from "../support/daemon.ts";
import { type Netns, run } from "../support/sandbox.ts";
import { skip } from "../support/skip.ts";
import { cgroupParent, mountCgroups, removeCgroups } from "./cgroups.ts";
import { writeImage } from "./image.ts";

export interface Docker extends AsyncDisposable {
  readonly image: string;
  /** `docker …`. Throws with its output if it fails. */
  call(...words: string[]): string;
}

const [daemon, client] = [join(dockerFolder, "usr/sbin/dockerd"), join(dockerFolder, "usr/bin/docker")];

export function needsDocker(context: Mocha.Context): void {
  if (!existsSync(daemon)) skip(context, "no docker; npm run test:clients unpacks it");
  if (findProgram("containerd") === undefined) skip(context, "no program containerd, which docker starts");
}

/** /run and /var/lib are the sandbox's own, so the daemon has its default folders there. */
export async function freshDocker(host: Netns, folder: string): Promise<Docker> {
  mkdirSync(join(folder, "image"), { recursive: true });
  mountCgroups();
  const path = `${join(dockerFolder, "usr/sbin")}:${process.env["PATH"]}`;
  const socket = `unix://${folder}/docker.sock`;
  const call = (...words: string[]) => run(host.inside([client, "--host", socket, ...words])).trim();
  const settings = ["--storage-driver", "vfs", "--exec-opt", "native.cgroupdriver=cgroupfs", "--host", socket];
  const started = await startDaemon(
    host,
    ["env", `PATH=${path}`, daemon, ...settings, "--cgroup-parent", `/${cgroupParent}`],
    join(folder, "log"),
    () => call("version"),
  );
  const image = "localhost/ns-net-box:1";
  call("load", "--quiet", "--input", await writeImage(join(folder, "image"), image, ["sleep", "1000000"]));
  return {
    image,
    call,
    async [Symbol.asyncDispose]() {
      const all = call("ps", "--all", "--quiet").split("\n").filter(Boolean);
      if (all.length > 0) call("rm", "--force", ...all);
      await started.end();
      removeCgroups();
      const mounts = readFileSync("/proc/self/mounts", "utf8")
        .split("\n")
        .map((line) => line.split(" ")[1] ?? "");
      const own = mounts.filter((path) => path.startsWith("/run/docker/") || path.startsWith("/var/lib/docker/"));
      for (const path of own.reverse()) run(["umount", "-l", path]);
      for (const place of [folder, "/run/docker", "/var/lib/docker"]) rmSync(place, { recursive: true, force: true });
    },
  };
}
