/** People who use labs: root and an ordinary user, each with a folder of examples and a runtime folder of their own. */
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sandboxMark } from "../../scripts/sandbox.ts";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { run } from "../support/sandbox.ts";
import { skip } from "../support/skip.ts";
import { showFile } from "../support/spawn.ts";

export const examples = join(import.meta.dirname, "../../lab/examples");
export const exampleFiles = readdirSync(examples);

export const users = ["root", "an ordinary user"] as const;
export type User = (typeof users)[number];

const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

export interface Answer {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Person extends Disposable {
  readonly folder: string;
  /** The folder of all labs of this person. */
  readonly labs: string;
  /** A command line of ns-net, as this person types it. */
  line(...words: string[]): string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  nsNet(...words: string[]): Answer;
  /** `ns-net lab …` */
  lab(...words: string[]): Answer;
  /** As `lab`, whose answer is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: each command has its own; assertions say what is expected.
  json(...words: string[]): any;
  /**
   * A program in all namespaces of a pod, a router, the host or outside, of the only lab of this person. nsenter starts
   * it, for an eighth of the CPU time of `lab exec`.
   */
  inside(pod: string, ...words: string[]): Answer;
  /** Writes a lab file. */
  file(name: string, text: string): string;
  /** Brings a lab up until the answer is disposed of. */
  up(file: string): Disposable;
}

/** The process that holds a pod's namespaces. */
interface Holder {
  readonly pid: number;
  readonly inode: number;
}

/** False also for a process that has the number of one that ended. */
const isAlive = (holder: Holder | undefined): holder is Holder =>
  holder !== undefined && statSync(`/proc/${holder.pid}/ns/net`, { throwIfNoEntry: false })?.ino === holder.inode;

export function person(user: User): Person {
  const folder = mkdtempSync(join(tmpdir(), "ns-net-lab-"));
  chmodSync(folder, 0o755);
  // A place that the ordinary user may reach. A copy of 118 MB would take as long as a call.
  const program = join(folder, "ns-net");
  const isSandboxed = process.env[sandboxMark] !== undefined;
  const shown = isSandboxed ? showFile(nsNet, program) : copyFileSync(nsNet, program);
  for (const file of exampleFiles) copyFileSync(join(examples, file), join(folder, file));
  const runtime = join(folder, "run");
  mkdirSync(runtime);
  chmodSync(runtime, 0o777);
  // Folders that the ordinary user may not search would change "not found" to "not permitted".
  const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const environment = { ...process.env, PATH, XDG_RUNTIME_DIR: runtime, HOME: folder };
  const line = (...words: string[]) => [...(user === "root" ? [] : asNobody), program, ...words];
  const answerOf = (command: readonly string[]): Answer => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([...command], {
      cwd: folder,
      env: environment,
      timeout: 60_000,
      stdin: null,
    });
    return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
  };
  const call = (...words: string[]) => answerOf(line(...words));
  const holders = new Map<string, Holder>();
  const own: Person = {
    folder,
    labs: user === "root" ? "/run/ns-net/labs" : join(runtime, "ns-net/labs"),
    line,
    environment,
    nsNet: call,
    lab: (...words) => call("lab", ...words),
    json(...words) {
      const { out, err } = call("lab", ...words, "--json");
      assert.notEqual(out, "", err);
      return JSON.parse(out);
    },
    inside(pod, ...words) {
      if (!isAlive(holders.get(pod))) {
        const { hosts, pods, outside } = own.json("inspect");
        for (const one of [...hosts, ...pods, outside].filter(Boolean)) holders.set(one.name, one);
      }
      const holder = holders.get(pod);
      assert.ok(isAlive(holder), `no pod ${pod} is alive`);
      return answerOf(["nsenter", "--target", String(holder.pid), "--all", ...words]);
    },
    file(name, text) {
      writeFileSync(join(folder, name), text);
      return name;
    },
    up(file) {
      const { code, err } = call("lab", "up", file);
      assert.equal(code, 0, err);
      return { [Symbol.dispose]: () => void call("lab", "down", file) };
    },
    [Symbol.dispose]() {
      shown?.[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return own;
}

/** Skips aloud where this kernel or this machine cannot have labs. */
export function needsLabs(context: Mocha.Context, user: User): void {
  needs(context, "ns-net", "bridge", "nft nat", "ipv6");
  if (user !== "root" && Bun.spawnSync([...asNobody, "unshare", "--user", "true"]).exitCode !== 0)
    skip(context, "this machine gives ordinary users no user namespace");
}

/** The state that a lab must not change: links, routes, rules and settings of this network namespace. */
export const machine = (): string =>
  run([
    "sh",
    "-c",
    `ip -d link; ip address; ip route show table all; nft list ruleset
     grep -rs . /proc/sys/net --include='*forward*' --include='*rp_filter*' --include='bridge*'`,
  ]);
