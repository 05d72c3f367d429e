/** kill -9 at every system call of the main thread in turn: strace sends it when the call begins. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Verb } from "../../conf/request.ts";
import { folder, Host, haveUplink, must, uplink } from "../host.ts";
import { countDoubles, countLeft, type Losses, noLosses, refused, stateOf } from "../losses.ts";
import type { Kind, Options } from "./fault.ts";

/** By its path, because strace passes the plugin's environment on, which has no PATH. */
const strace = Bun.which("strace") ?? "strace";

/** The first begins the program, the others end it. */
const notOurs = new Set(["execve", "exit_group", "exit"]);

/** How often each system call is made, in the order of their first calls. */
function callsOf(host: Host, verb: Verb): Map<string, number> {
  const file = join(folder, "calls.txt");
  const { code, stdout } = host.call(verb, "pod", [strace, "-o", file, "-e", "trace=all", "-e", "signal=none"]);
  if (code !== 0) throw new Error(`${verb} failed under strace (${code}): ${stdout}`);
  const calls = new Map<string, number>();
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const name = /^(\w+)\(/.exec(line)?.[1];
    if (name !== undefined && !notOurs.has(name)) calls.set(name, (calls.get(name) ?? 0) + 1);
  }
  return calls;
}

interface Setting {
  readonly verb: "ADD" | "DEL";
  /** Runs before each fault. */
  readonly prepare: (host: Host) => void;
  /** Further keys of the configuration. */
  readonly more?: object;
}

/** `--short` tries one fault of these many. Requests to the kernel matter most. */
const sampled = { request: 6, other: 90 };

function isSampled(name: string, when: number, i: number, seed: number): boolean {
  return (
    i % sampled.other === seed % sampled.other ||
    (name === "sendto" && when % sampled.request === seed % sampled.request)
  );
}

function killAtEach({ verb, prepare, more = {} }: Setting, { short, seed }: Options): Losses {
  const losses = noLosses();
  const host = new Host("calls", { more });
  const pods = ["pod", "other"];
  for (const pod of pods) host.addPod(pod);
  host.clear();
  if ("type" in more) haveUplink();
  prepare(host);
  const calls = [...callsOf(host, verb)].flatMap(([name, many]) =>
    Array.from({ length: many }, (_, i) => [name, i + 1] as const),
  );
  settle(host, "DEL", losses, "counting");
  for (const [i, [name, when]] of calls.entries()) {
    if (short && !isSampled(name, when, i, seed)) continue;
    prepare(host);
    const kill = [strace, "-o", "/dev/null", "-e", `trace=${name}`, `--inject=${name}:signal=KILL:when=${when}`];
    const { signal, code } = host.call(verb, "pod", kill);
    if (signal !== undefined || code !== 0) losses.faults++;
    const after = `${verb} killed at ${name} ${when}`;
    settle(host, (["DEL", "ADD", "GC"] as const)[losses.faults % 3]!, losses, after);
    countLeft(host, pods, losses, after);
    if (i % 10 === 0) proveNextAdd(host, losses, after);
  }
  host.clear();
  if ("type" in more) must("ip", "link", "del", uplink);
  for (const pod of pods) host.deletePod(pod);
  return losses;
}

/** The next call: the DEL of a runtime that follows the specification, an ADD at once, or GC. */
function settle(host: Host, answer: "DEL" | "ADD" | "GC", losses: Losses, after: string): void {
  if (answer === "ADD") {
    // If only the result was missing when it was killed, the attachment exists, and the runtime must DEL it.
    const wasDone = stateOf(host, "pod") === "attached";
    const { code, stdout } = host.call("ADD", "pod");
    if (code !== 0 && !wasDone) refused(losses, `ADD after ${after}: ${stdout}`);
    countDoubles(["pod"], losses, after);
  }
  const { code, stdout } = host.call(answer === "GC" ? "GC" : "DEL", "pod");
  if (code !== 0) refused(losses, `${answer} after ${after}: ${stdout}`);
}

function proveNextAdd(host: Host, losses: Losses, after: string): void {
  for (const verb of ["ADD", "DEL"] as const) {
    const { code, stdout } = host.call(verb, "other");
    if (code !== 0) refused(losses, `${verb} of another after ${after}: ${stdout}`);
  }
}

const settings: Record<string, Setting> = {
  "kill -9 at each system call of the first ADD on a host": { verb: "ADD", prepare: (host) => host.clear() },
  "kill -9 at each system call of ADD": {
    verb: "ADD",
    prepare: (host) => {
      for (const verb of ["ADD", "DEL"] as const) host.call(verb, "other");
    },
  },
  "kill -9 at each system call of DEL": { verb: "DEL", prepare: (host) => void host.call("ADD", "pod") },
};

const onUplink: Record<string, object> = {
  "a macvlan": { type: "macvlan", master: uplink },
  "a device that is lent": { type: "host-device", device: uplink },
};

for (const [of, more] of Object.entries(onUplink)) {
  for (const verb of ["ADD", "DEL"] as const) {
    const { prepare } = settings[`kill -9 at each system call of ${verb}`]!;
    settings[`kill -9 at each system call of ${verb} of ${of}`] = { verb, prepare, more };
  }
}

export const systemCalls: readonly Kind[] = Object.entries(settings).map(([title, setting]) => ({
  title,
  run: (options) => killAtEach(setting, options),
}));
