/** Finds labs that are up, and asks their supervisors. */
import { deserialize, serialize } from "node:v8";
import { code, Fault } from "../../conf/fault.ts";
import type { Live } from "../graph/live.ts";
import type { Captured } from "../plan/captured.ts";
import type { Pair } from "../tests/everyPair.ts";
import type { TestResult } from "../tests/run.ts";
import type { ApplyRequest, ImpairRequest, Inspected, PodStatus, Refusal, Report, Running } from "./answers.ts";
import { linesOf } from "./lines.ts";
import { tryLockLab } from "./lock.ts";
import { correctNames, namesOf, pathOf } from "./names.ts";
import { processesOf } from "./processes.ts";
import { everyLab, isAlive, type LabState, readState, socketOf, writeState } from "./state.ts";
import { sweep } from "./sweep.ts";

/** The labs that are up. */
export function labsUp(): LabState[] {
  sweep();
  return everyLab().flatMap((name) => {
    const state = readState(name);
    return state?.isUp && isAlive(state) ? [state] : [];
  });
}

/** The labs that are up and have a pod of that name. Looks, and removes nothing: this may be asked inside of a lab. */
export function labsWith(pod: string): string[] {
  return everyLab().filter((name) => {
    const state = readState(name);
    return state?.isUp && isAlive(state) && state.pods.includes(pod);
  });
}

/** The lab that is meant without a name: that of `file` if it is up, else the only one. */
export function labMeant(file: string, up = labsUp()): LabState | undefined {
  return up.find((one) => one.file === file) ?? (up.length === 1 ? up[0] : undefined);
}

/** The lab of that name; without one, the one that is meant. Throws Fault. */
export function labUp(name: string | undefined, file: string): LabState {
  const up = labsUp();
  const found = name === undefined ? labMeant(file, up) : up.find(({ lab }) => lab === name);
  if (found) return found;
  const names = up.map(({ lab }) => lab).join(", ");
  throw new Fault(
    code.config,
    name === undefined ? (up.length === 0 ? "No lab is up" : "Several labs are up") : `There is no lab ${name}`,
    up.length === 0 ? "Bring one up: ns-net lab up FILE" : `Name one by --lab: ${names}`,
  );
}

/** The lab as its supervisor has it. */
export async function running(state: LabState): Promise<Running> {
  return deserialize(new Uint8Array(await (await ask(state, "/lab")).arrayBuffer())) as Running;
}

/** The reports of a change until it ended, or until `keep` was answered. Throws Fault. */
export async function* applied(state: LabState, request: ApplyRequest): AsyncGenerator<Report> {
  yield* linesOf<Report>(streamed(state, await ask(state, "/apply", { method: "POST", body: serialize(request) })));
}

/** From its answer on, the change stays. Throws Fault if it does not. */
export async function keep(state: LabState): Promise<void> {
  await ask(state, "/apply/keep", { method: "POST" });
}

/** Has the change undone that is under way. */
export async function interrupt(state: LabState, why: string): Promise<void> {
  await ask(state, "/apply/interrupt", { method: "POST", body: why });
}

/** The reports of a restart. Throws Fault. */
export async function* restarted(state: LabState, pod: string): AsyncGenerator<Report> {
  yield* linesOf<Report>(streamed(state, await ask(state, `/restart/${pod}`, { method: "POST" })));
}

/** The supervisor's answer, with pids as this process sees them and the paths of network namespaces. */
export async function inspect(state: LabState) {
  const found = await inspected(state);
  if (state.isChanging) correctAfterKill(state.lab, found);
  const { hosts, outside, pods } = found;
  const pids = processesOf(state.pid, holdersOf(found));
  const seen = <H extends { readonly name: string }>(holder: H) => {
    const pid = pids.get(holder.name) ?? 0;
    return {
      ...holder,
      pid,
      namespace: state.names.length > 0 ? pathOf(state.lab, holder.name) : `/proc/${pid}/ns/net`,
    };
  };
  return { lab: state.lab, hosts: hosts.map(seen), outside: outside && seen(outside), pods: pods.map(seen) };
}

/** As the supervisor answers it, with pids of the lab's PID namespace. */
export const inspected = (state: LabState): Promise<Inspected> => json(state, "/inspect");

/** Those that hold namespaces. */
export const holdersOf = ({ hosts, outside, pods }: Inspected) => [...hosts, ...pods, ...(outside ? [outside] : [])];

/** A killed `apply` or `restart` left names that lead elsewhere. */
function correctAfterKill(lab: string, found: Inspected): void {
  using lock = tryLockLab(lab);
  const state = lock && readState(lab);
  if (state?.isChanging) correctState(state, found);
}

/** Corrects the names in /run/netns, and writes the state of a lab that does not change now. */
export function correctState({ isChanging: _, ...state }: LabState, found: Inspected): void {
  const held = holdersOf(found);
  correctNames(state.lab, state.pid, held, state.names);
  const names = namesOf(
    state.lab,
    held.map(({ name }) => name),
  );
  writeState({ ...state, names });
}

export type InspectedLab = Awaited<ReturnType<typeof inspect>>;

export const status = (state: LabState): Promise<PodStatus[]> => json(state, "/status");

/** Its state at this moment. */
export const live = (state: LabState): Promise<Live> => json(state, "/live");

/** A sentence for each difference from what the lab made. */
export const check = (state: LabState): Promise<string[]> => json(state, "/check");

/** The results in the order of the file, each as soon as it is there. */
export const test = (state: LabState) => results<TestResult>(state, "/test");

export const pingAll = (state: LabState) => results<Pair>(state, "/ping");

/** One pair. Throws Fault if it is none. */
export const pingPair = (state: LabState, from: string, to: string): Promise<Pair> =>
  json(state, `/ping/${encodeURIComponent(from)}/${encodeURIComponent(to)}`);

async function* results<Line extends object>(state: LabState, path: string): AsyncGenerator<Line> {
  for await (const line of linesOf<Line | Refusal>(streamed(state, await ask(state, path)))) {
    if ("failed" in line) throw new Fault(code.kernel, line.failed as string, (line as Refusal).cure);
    yield line as Line;
  }
}

/** The output of the pod's command so far; with `isFollowed` also what it will write, until it or the lab ends. */
export async function* logs(state: LabState, pod: string, isFollowed: boolean): AsyncGenerator<Uint8Array> {
  const answer = await ask(state, `/logs/${pod}${isFollowed ? "?follow" : ""}`);
  try {
    yield* streamed(state, answer);
  } catch (error) {
    if (!isFollowed || !(error instanceof Fault)) throw error;
  }
}

/** Throws Fault for what cannot be done. */
export async function impair(state: LabState, request: ImpairRequest): Promise<void> {
  await ask(state, "/impair", { method: "POST", body: JSON.stringify(request) });
}

/** The interfaces that words such as `web@front` mean. Throws Fault. */
export async function capturedAt(state: LabState, words: readonly string[]): Promise<Captured[]> {
  return (await (await ask(state, "/captured", { method: "POST", body: JSON.stringify(words) })).json()) as Captured[];
}

async function json<T>(state: LabState, path: string): Promise<T> {
  return (await (await ask(state, path)).json()) as T;
}

/** A long answer. Throws Fault if the supervisor ends meanwhile. */
async function* streamed({ lab }: LabState, { body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body!.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error: unknown) => {
        throw silent(lab, error);
      });
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function silent(lab: string, error: unknown): Fault {
  return new Fault(
    code.unavailable,
    `The supervisor of the lab ${lab} does not answer (${(error as NodeJS.ErrnoException).code})`,
    "Bring it up again: ns-net lab down, then ns-net lab up",
  );
}

/** Throws Fault if the supervisor refuses or does not answer. */
async function ask(
  { lab }: LabState,
  path: string,
  sent: { readonly method?: string; readonly body?: string | Uint8Array<ArrayBuffer> } = {},
): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(`http://lab${path}`, { unix: socketOf(lab), ...sent });
  } catch (error) {
    throw silent(lab, error);
  }
  if (answer.ok) return answer;
  const { failed, cure } = (await answer.json()) as Refusal;
  throw new Fault(code.config, failed, cure);
}
