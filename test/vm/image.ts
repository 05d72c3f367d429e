/**
 * The image of the virtual machine: Debian's kernel, unpacked and not installed, and an initramfs that mounts the rest.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { findProgram } from "../../scripts/setup/tools.mjs";

/** Modules that the machine needs to see the files of the host. */
const needed = ["virtio_pci", "9pnet_virtio", "9p", "overlay"];

export function bootFiles(folder: string): { readonly kernel: string; readonly initrd: string } {
  const unpacked = join(folder, "kernel");
  if (!existsSync(unpacked)) unpackKernel(folder, unpacked);
  const [version] = readdirSync(join(unpacked, "lib/modules"));
  const initrd = join(folder, "initrd");
  writeInitrd(join(folder, "initramfs"), unpacked, version!, initrd);
  return { kernel: join(unpacked, `boot/vmlinuz-${version}`), initrd };
}

function run(command: readonly string[], cwd: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
  return stdout.toString();
}

/** The package `linux-image-amd64` is empty and depends on the current version. */
function unpackKernel(folder: string, to: string): void {
  const depends = run(["apt-cache", "depends", "linux-image-amd64"], folder);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Error("apt knows no kernel for linux-image-amd64; try: apt-get update");
  console.error(`vm: fetching ${name}`);
  run(["apt-get", "download", "-qq", name], folder);
  const packed = readdirSync(folder).find((file) => file.startsWith(`${name}_`))!;
  const beside = `${to}.${process.pid}`;
  run(["dpkg-deb", "-x", packed, beside], folder);
  rmSync(join(folder, packed));
  const [version] = readdirSync(join(beside, "lib/modules"));
  run(["depmod", "-b", beside, version!], folder);
  renameSync(beside, to);
}

function writeInitrd(contents: string, unpacked: string, version: string, initrd: string): void {
  rmSync(contents, { recursive: true, force: true });
  for (const name of ["bin", "proc", "root", "lower", "layer", "modules"])
    mkdirSync(join(contents, name), { recursive: true });
  copyFileSync(findProgram("busybox")!, join(contents, "bin/busybox"));
  const order: string[] = [];
  for (const module of needed) {
    const listed = run(["modprobe", "-d", unpacked, "-S", version, "--show-depends", module], unpacked);
    for (const [, path] of listed.matchAll(/^insmod (\S+)/gm)) {
      if (order.includes(basename(path!))) continue;
      order.push(basename(path!));
      copyFileSync(path!, join(contents, "modules", basename(path!)));
    }
  }
  writeFileSync(join(contents, "modules/order"), `${order.join("\n")}\n`);
  writeFileSync(join(contents, "init"), readFileSync(join(import.meta.dirname, "init.sh")), { mode: 0o755 });
  run(["sh", "-c", `find . | cpio --quiet -o -H newc > ${JSON.stringify(initrd)}`], contents);
}
