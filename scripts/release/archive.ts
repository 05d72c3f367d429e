/**
 * The archive of one platform. It is also a package that `npm install -g` installs without a network, and refuses on
 * another platform: npm reads any .tar.gz with a package.json in its first folder.
 */
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Platform } from "../build/platforms.ts";
import { run } from "../setup/process.mjs";

const root = join(import.meta.dirname, "../..");
const { name, version, description, license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** Files of the repository that a user needs beside the executable. */
const copied = [
  "LICENSE",
  "README.md",
  "CHANGELOG.md",
  "SECURITY.md",
  "deploy",
  "docs",
  "examples",
  "lab/examples",
  "conf/ns-net.schema.json",
  "lab/ns-net-lab.schema.json",
];

/** The executable prints these. They are the same on every platform, so this machine's is asked. */
const printed: Readonly<Record<string, readonly string[]>> = {
  "completion/ns-net.bash": ["completion", "bash"],
  "completion/_ns-net": ["completion", "zsh"],
  "completion/ns-net.fish": ["completion", "fish"],
  "man/ns-net.8": ["man"],
};

export const archiveName = (platform: Platform) => `${name}-${version}-${platform.name}`;

const packageFile = ({ cpu, libc }: Platform) => ({
  ...{ name, version, description, license },
  ...{ os: ["linux"], cpu: [cpu], libc: [libc] },
  ...{ bin: { "ns-net": "ns-net" }, man: ["man/ns-net.8"] },
});

interface Content {
  /** The executable for the platform. */
  readonly executable: string;
  /** The launcher for the platform. */
  readonly launcher: string;
  /** An executable that runs on this machine. */
  readonly runnable: string;
  /** Seconds since 1970: the date of every file. */
  readonly date: number;
  /** Files to add: their path in the archive and their content. */
  readonly added: Readonly<Record<string, string>>;
  /** 1 is fast, 9 is small. */
  readonly compression: number;
}

/** Writes the archive into `folder`, and answers its name. The same content gives the same bytes. */
export async function writeArchive(platform: Platform, folder: string, content: Content): Promise<string> {
  const top = archiveName(platform);
  const place = join(folder, top);
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), text);
  };
  try {
    mkdirSync(place);
    for (const path of copied) cpSync(join(root, path), join(place, path), { recursive: true });
    for (const [path, text] of Object.entries(content.added)) write(path, text);
    for (const [path, words] of Object.entries(printed)) write(path, await run(content.runnable, words));
    write("package.json", `${JSON.stringify(packageFile(platform), null, 2)}\n`);
    for (const [from, to] of [
      [content.executable, "ns-net"],
      [content.launcher, "ns-net-launcher"],
    ] as const) {
      copyFileSync(from, join(place, to));
      chmodSync(join(place, to), 0o755);
    }
    // Order, owner, rights and dates do not depend on the machine. gzip's own header has no name and date (-n).
    const same = ["--format=ustar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"];
    const packed = ["-I", `gzip -n -${content.compression}`, `--mtime=@${content.date}`];
    await run("tar", [...packed, ...same, "-C", folder, "-cf", join(folder, `${top}.tar.gz`), top]);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
  return `${top}.tar.gz`;
}
