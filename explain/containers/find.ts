/** Finds a container by what a person calls it, whichever runtime runs it. */
import { code, Fault, NotPermitted } from "../../conf/fault.ts";
import { nearest } from "../../conf/nearest.ts";
import type { Process } from "../namespaceKinds.ts";
import { type Container, nameOf, type Runtime, runtimes } from "./container.ts";
import { containersOfContainerd } from "./containerd.ts";
import { containersOfCrio } from "./crio.ts";
import { containersOfDocker } from "./docker.ts";
import { monitors } from "./monitors.ts";
import { containersOfPodman } from "./podman.ts";
import { storedContainers } from "./storage.ts";

export interface RunningContainer extends Container {
  readonly pid: number;
}

/** Every container that the four runtimes have on this machine, those that are stopped, too. */
export function everyContainer(processes?: readonly Process[]): Container[] {
  const watching = monitors(processes);
  const stored = storedContainers(watching);
  const ofDocker = containersOfDocker(watching);
  // Docker's containers are containerd's, too. Docker's own state has their names.
  const known = new Set(ofDocker.map(({ id }) => id));
  const ofContainerd = containersOfContainerd(watching).filter((one) => one.runtime !== "docker" || !known.has(one.id));
  return [...ofDocker, ...containersOfPodman(stored), ...containersOfCrio(stored), ...ofContainerd];
}

/**
 * The running container with a name, an id, or the first digits of an id. `RUNTIME/NAME` asks one runtime alone. Throws
 * Fault for none, for a stopped one, and for several.
 */
export function findContainer(words: string, all: readonly Container[] = everyContainer()): RunningContainer {
  const found = containersNamed(words, all);
  const running = found.filter(isRunning);
  const [first, second] = running;
  if (first !== undefined && second === undefined) return first;
  if (first !== undefined) throw ambiguous(words, running);
  if (found[0] !== undefined) throw stopped(found[0]);
  throw unknown(words, all);
}

/** Containers with this name or id, also stopped ones; several if the word is not unique. */
export function containersNamed(words: string, all: readonly Container[] = everyContainer()): Container[] {
  const [, runtime, rest] = /^([^/]+)\/(.+)$/.exec(words) ?? [];
  const isRuntime = runtime !== undefined && runtimes.includes(runtime as Runtime);
  const name = isRuntime ? rest! : words;
  const asked = isRuntime ? all.filter((one) => one.runtime === runtime) : all;
  const exact = asked.filter(({ id, names }) => id === name || names.includes(name));
  return exact.length > 0 ? exact : asked.filter(({ id }) => id.startsWith(name) && isDigits.test(name));
}

const isDigits = /^[0-9a-f]{4,}$/;
const isFullId = /^[0-9a-f]{64}$/;

function isRunning(one: Container): one is RunningContainer {
  return one.pid !== undefined;
}

function ambiguous(words: string, found: readonly Container[]): Fault {
  const sayings = found.map(sayingOf);
  return new Fault(
    code.unknownContainer,
    `${found.length} containers are meant by ${words}: ${found.map((one) => `${nameOf(one)} of ${one.runtime}`).join(", ")}`,
    `Say which one: ${sayings.join(" or ")}`,
  );
}

/** The word that means this container and no other: with the runtime, and for containerd with its namespace. */
function sayingOf(one: Container, _: number, all: readonly Container[]): string {
  const { runtime, id, names } = one;
  const isShared = all.some((other) => other !== one && other.runtime === runtime);
  const isSharedId = all.some((other) => other !== one && other.runtime === runtime && other.id === id);
  const short = isFullId.test(id) ? id.slice(0, shownDigits) : id;
  return `container:${runtime}/${isSharedId ? names.at(-1) : isShared ? short : nameOf(one)}`;
}

/** As the runtimes' own lists show ids. */
const shownDigits = 12;

const startCommands: Readonly<Record<Runtime, string>> = {
  docker: "docker start NAME",
  podman: "podman start NAME",
  containerd: "",
  "cri-o": "",
};

function stopped(one: Container): Fault {
  const start = startCommands[one.runtime].replace("NAME", nameOf(one));
  return new Fault(
    code.unknownContainer,
    `The container ${nameOf(one)} of ${one.runtime} is stopped: it has no process and no namespace`,
    start === "" ? "Start it first" : `Start it first: ${start}`,
  );
}

function unknown(words: string, all: readonly Container[]): Fault {
  const sentence = `There is no container ${words}`;
  if (process.geteuid!() !== 0) return new NotPermitted(code.unknownContainer, `${sentence} that this user may see`);
  const running = all.filter(isRunning);
  const meant = nearest(
    words,
    running.flatMap(({ id, names }) => [...names, id]),
  );
  if (meant !== undefined) return new Fault(code.unknownContainer, sentence, `Did you mean container:${meant}?`);
  const names = running.map(nameOf);
  const shown = names.length > shownMax ? [...names.slice(0, shownMax), "…"] : names;
  const cure =
    names.length === 0 ? "None of containerd, podman, docker and CRI-O runs one here" : `Running: ${shown.join(", ")}`;
  return new Fault(code.unknownContainer, sentence, cure);
}

const shownMax = 8;
