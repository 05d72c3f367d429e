/** A simulated machine for the command line: runs `ns-net` as a person would, with a terminal's environment. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nsNet } from "../support/plugin.ts";
import { freshNetns, type Netns, namedNetns, run } from "../support/sandbox.ts";
import { skip } from "../support/skip.ts";
import { deleteNetns, spawnInside } from "../support/spawn.ts";

interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Place extends Disposable {
  readonly host: Netns;
  readonly folder: string;
  readonly dataDir: string;
  /** `ns-net …` on the host, with `--data-dir` if the command has it. */
  cli(...words: string[]): Said;
  /** The same as words, for `host.inside`. */
  command(...words: string[]): string[];
  /** As `cli`, but must succeed. Answers its output. */
  must(...words: string[]): string;
  /** A free name for a namespace. The namespace is deleted with the place. */
  name(label?: string): string;
  /** Writes a file and answers its path. */
  file(name: string, content: string): string;
}

/**
 * Skips the test, with a message, if /etc is the machine's own because the sandbox could not mount another one over it.
 */
export function needsOwnEtc(context: Mocha.Context): void {
  if (!/^\S+ \/etc overlay /m.test(run(["cat", "/proc/self/mounts"]))) skip(context, "no overlay over /etc here");
}

const withDataDir = ["doctor", "explain", "trace", "ports", "add", "del", "ls", "inspect", "check", "gc", "network"];
/** Commands of two words. */
const groups = ["network", "ns"];
let count = 0;

export function freshPlace(): Place {
  const host = freshNetns("host");
  const folder = mkdtempSync(join(tmpdir(), "ns-net-cli-"));
  const dataDir = join(folder, "data");
  const names: string[] = [];
  const place: Place = {
    host,
    folder,
    dataDir,
    command(command = "", ...words) {
      const more = withDataDir.includes(command) && !words.includes("--help") ? ["--data-dir", dataDir] : [];
      const own = [command, ...(groups.includes(command) ? words.splice(0, 1) : [])].filter(Boolean);
      return [nsNet, ...own, ...more, ...words];
    },
    cli(...words) {
      const { CNI_COMMAND: _, ...env } = process.env;
      const { exitCode, stdout, stderr } = spawnInside(host.path, place.command(...words), { env, cwd: folder });
      return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
    },
    must(...words) {
      const { code, out, err } = place.cli(...words);
      if (code !== 0) throw new Error(`ns-net ${words.join(" ")} failed (${code}): ${out}${err}`);
      return out;
    },
    name(label = "web") {
      const name = `${label}-${process.pid}-${++count}`;
      names.push(name);
      return name;
    },
    file(name, content) {
      const path = join(folder, name);
      mkdirSync(join(path, ".."), { recursive: true });
      writeFileSync(path, content);
      return path;
    },
    [Symbol.dispose]() {
      for (const name of names) {
        deleteNetns(name);
        rmSync(`/etc/netns/${name}`, { recursive: true, force: true });
      }
      host[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return place;
}

export { namedNetns };

/** A network for the command line's tests, with both families. */
export const lab = {
  cniVersion: "1.1.0",
  name: "lab",
  type: "ns-net",
  bridge: "lab0",
  isDefaultGateway: true,
  ipam: { type: "ns-net", ranges: [[{ subnet: "10.20.0.0/24" }], [{ subnet: "fd20::/64" }]] },
};
