/** A container image created on the spot: busybox in one layer, as an archive that containerd and podman can import. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../scripts/setup/tools.mjs";
import { run } from "../support/sandbox.ts";

const sha256 = (bytes: string | Uint8Array) => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

/** The programs that tests call inside a container, all links to busybox. */
const applets = ["sh", "sleep", "nc", "ip", "cat", "ping", "true"];

/** Writes FOLDER/image.tar, tagged `name`, whose program is `command`. Answers its path. */
export async function writeImage(folder: string, name: string, command: readonly string[]): Promise<string> {
  const busybox = findProgram("/bin/busybox") ?? findProgram("busybox");
  if (busybox === undefined) throw new Error("no busybox (Debian: busybox-static)");
  const root = join(folder, "root");
  for (const place of ["bin", "etc", "tmp", "proc", "sys", "dev"]) mkdirSync(join(root, place), { recursive: true });
  run(["cp", busybox, join(root, "bin/busybox")]);
  for (const applet of applets) run(["ln", "-sf", "busybox", join(root, "bin", applet)]);
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
  const image = join(folder, "image");
  mkdirSync(image, { recursive: true });
  run(["tar", "-C", root, "-cf", join(image, "layer.tar"), "."]);
  const layer = sha256(await Bun.file(join(image, "layer.tar")).bytes());
  const config = JSON.stringify({
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    config: { Cmd: command, Env: ["PATH=/bin"] },
    rootfs: { type: "layers", diff_ids: [`sha256:${layer}`] },
  });
  writeFileSync(join(image, `${sha256(config)}.json`), config);
  const manifest = [{ Config: `${sha256(config)}.json`, RepoTags: [name], Layers: ["layer.tar"] }];
  writeFileSync(join(image, "manifest.json"), JSON.stringify(manifest));
  const archive = join(folder, "image.tar");
  run(["tar", "-C", image, "-cf", archive, "."]);
  return archive;
}
