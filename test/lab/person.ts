/** People who use labs: root and an ordinary user, each with a folder of examples and a runtime folder of their own. */
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { run } from "../support/sandbox.ts";
import { skip } from "../support/skip.ts";

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
  /** Writes a lab file. */
  file(name: string, text: string): string;
  /** Brings a lab up until the answer is disposed of. */
  up(file: string): Disposable;
}

export function person(user: User): Person {
  const folder = mkdtempSync(join(tmpdir(), "ns-net-lab-"));
  chmodSync(folder, 0o755);
  const program = join(folder, "ns-net");
  copyFileSync(nsNet, program);
  for (const file of exampleFiles) copyFileSync(join(examples, file), join(folder, file));
  const runtime = join(folder, "run");
  mkdirSync(runtime);
  chmodSync(runtime, 0o777);
  // Folders that the ordinary user may not search would change "not found" to "not permitted".
  const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const environment = { ...process.env, PATH, XDG_RUNTIME_DIR: runtime, HOME: folder };
  const line = (...words: string[]) => [...(user === "root" ? [] : asNobody), program, ...words];
  const call = (...words: string[]): Answer => {
    const { exitCode, stdout, stderr } = Bun.spawnSync(line(...words), {
      cwd: folder,
      env: environment,
      timeout: 60_000,
      stdin: null,
    });
    return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
  };
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
    file(name, text) {
      writeFileSync(join(folder, name), text);
      return name;
    },
    up(file) {
      const { code, err } = call("lab", "up", file);
      assert.equal(code, 0, err);
      return { [Symbol.dispose]: () => void call("lab", "down", file) };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
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
    "ip -d link; ip address; ip route show table all; nft list ruleset; sysctl -a 2>/dev/null | grep -E 'forward|rp_filter|bridge'",
  ]);
