/** Runs a command of ns-net inside of a lab: with a host of the lab as its host, on that host's attachments. */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import { type InspectedLab, inspect, labUp } from "../../lab/supervisor/client.ts";
import { ownWords } from "../../lab/supervisor/ownProgram.ts";
import { folderOf, type LabState } from "../../lab/supervisor/state.ts";
import { closeFile } from "../../sys/libc.ts";
import { start, waitFor } from "../../sys/namespaces/start.ts";
import type { Start } from "../../sys/namespaces/startRequest.ts";
import { openPipe, openProcess, wholeOf } from "../../sys/processes.ts";
import { otherKinds } from "../inside/allNamespaces.ts";
import { askerOf } from "./asker.ts";
import { type Asker, askerVariable } from "./cures.ts";

/**
 * `at` is a lab's name, with `/HOST` for one of several hosts; `words` are those of the command line, without `--lab`. Answers
 * the exit code. Throws Fault.
 */
export async function runInLab(at: string, words: readonly string[]): Promise<number> {
  const [lab = "", host] = at.split("/");
  const state = labUp(lab, "");
  const inspected = await inspect(state);
  const { hosts } = inspected;
  const place = hosts.length === 1 && host === undefined ? hosts[0]! : hostIn(hosts, lab, host);
  const asker = await askerIn(state, inspected, place);
  return waitFor(startOn(state, inspected, place, asker, words, { foreground: true }));
}

export interface Heard {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/** As `runInLab`, on the host of a pod; keeps what the command prints. */
export async function hearInLab(
  state: LabState,
  inspected: InspectedLab,
  pod: string,
  words: readonly string[],
): Promise<Heard> {
  const place = hostOf(inspected, pod);
  const asker = await askerIn(state, inspected, place);
  const [output, errors] = [openPipe(), openPipe()];
  const nothing = openSync("/dev/null", "r");
  let child: number;
  try {
    const streams = [nothing, output[1], errors[1]] as const;
    child = startOn(state, inspected, place, asker, words, { streams });
  } finally {
    for (const fd of [output[1], errors[1]]) closeFile(fd);
    closeSync(nothing);
  }
  const [said, complained] = await Promise.all([wholeOf(output[0]), wholeOf(errors[0])]);
  return { exitCode: waitFor(child), output: said, errors: complained };
}

/** The host of a pod, or the host itself; for `outside` and addresses the first one. */
export function hostOf({ hosts, pods }: InspectedLab, name: string): Place {
  const wanted = pods.find((one) => one.name === name)?.host ?? name;
  return hosts.find((one) => one.name === wanted) ?? hosts[0]!;
}

/** The word for `--lab` that means this host: the lab's name, with `/HOST` for one of several. */
export function placeOf(inspected: InspectedLab, pod: string): string {
  const { lab, hosts } = inspected;
  return hosts.length === 1 ? lab : `${lab}/${hostOf(inspected, pod).name}`;
}

interface Place {
  readonly name: string;
  readonly pid: number;
}

const leasesOf = (state: LabState, { hosts }: InspectedLab, { name }: Place) =>
  join(folderOf(state.lab), "leases", ...(hosts.length === 1 ? [] : [name]));

const askerIn = (state: LabState, inspected: InspectedLab, place: Place) =>
  askerOf(state, inspected, place.name, leasesOf(state, inspected, place));

/** Waits for nothing: the pipes of a command that is started meanwhile would be open in this one, too. */
function startOn(
  state: LabState,
  inspected: InspectedLab,
  place: Place,
  asker: Asker,
  words: readonly string[],
  how: Pick<Start, "foreground" | "streams">,
): number {
  const { pid } = place;
  const folder = leasesOf(state, inspected, place);
  const [ofLab, ofHost] = [openProcess(state.pid), openProcess(pid)];
  try {
    const others = otherKinds(state.pid).filter((kind) => kind !== "net");
    return start({
      enter: [
        { fd: ofLab, kinds: others },
        { fd: ofHost, kinds: ["net"] },
      ],
      directory: "/",
      program: {
        paths: [process.execPath],
        words: [...ownWords(), ...words, "--data-dir", folder],
        environment: { ...process.env, [askerVariable]: JSON.stringify(asker) },
      },
      ...how,
      diesWithCaller: true,
    });
  } finally {
    closeFile(ofLab);
    closeFile(ofHost);
  }
}

function hostIn<H extends { readonly name: string }>(hosts: readonly H[], lab: string, host: string | undefined): H {
  const found = hosts.find(({ name }) => name === host);
  if (found) return found;
  const names = hosts.map(({ name }) => `${lab}/${name}`).join(", ");
  throw new Fault(
    code.config,
    host === undefined ? `${lab} has several hosts` : `${lab} has no host ${host}`,
    `Name one by --lab: ${names}`,
  );
}

/** The words without the option `--lab NAME` or `--lab=NAME`. */
export function withoutLab(words: readonly string[]): string[] {
  return words.filter((word, i) => word !== "--lab" && words[i - 1] !== "--lab" && !word.startsWith("--lab="));
}
