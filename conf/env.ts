/**
 * CNI's environment variables (SPEC.md, section 2 "Parameters"): which ones each verb needs, and which values they may
 * have.
 */
import { type Audience, code, Fault, shown } from "./fault.ts";
import { containerId, interfaceName } from "./nameRules.ts";
import type { Verb } from "./request.ts";
import { isAtLeast, type Version } from "./version.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The variables of a call. Those that the verb does not use are empty, whatever the caller set: podman sends `dummy`
 * with VERSION.
 */
export interface Call {
  readonly verb: Verb;
  readonly container: string;
  readonly ifname: string;
  /** Path of the network namespace; with DEL it may be empty. */
  readonly netns: string;
  /** Folders, in order. */
  readonly pluginPath: readonly string[];
}

/** The first version with the verb. Configurations of older versions cannot use it. */
const leastVersion: Readonly<Record<Verb, Version>> = {
  ADD: "0.1.0",
  DEL: "0.1.0",
  VERSION: "0.1.0",
  CHECK: "0.4.0",
  GC: "1.1.0",
  STATUS: "1.1.0",
};

interface Variable {
  readonly name: string;
  readonly needed: readonly Verb[];
  readonly allowed?: readonly Verb[];
  readonly mustBe: string;
  allows(text: string): boolean;
}

const anything = { mustBe: "set", allows: () => true };

const variables = {
  container: { name: "CNI_CONTAINERID", needed: ["ADD", "CHECK", "DEL"], ...containerId },
  netns: { name: "CNI_NETNS", needed: ["ADD", "CHECK"], allowed: ["DEL"], ...anything },
  ifname: { name: "CNI_IFNAME", needed: ["ADD", "CHECK", "DEL"], ...interfaceName },
  path: { name: "CNI_PATH", needed: ["GC"], allowed: ["ADD", "CHECK", "DEL", "STATUS"], ...anything },
} as const satisfies Record<string, Variable>;

/** Throws code 4 for an unknown verb, for missing variables (naming all), or for the first one that cannot be used. */
export function readEnv(env: Environment): Call {
  const verb = readVerb(env);
  const missing: string[] = [];
  for (const key in variables) {
    const { name, needed }: Variable = variables[key as keyof typeof variables];
    if (needed.includes(verb) && !env[name]) missing.push(name);
  }
  if (missing.length > 0) {
    const names = missing.join(", ");
    throw new Fault(code.environment, `Cannot do ${verb} without ${names}`, `set ${names} in the environment`);
  }
  const value = ({ name, needed, allowed, mustBe, allows }: Variable): string => {
    const text = env[name];
    if (!text || !(needed.includes(verb) || allowed?.includes(verb))) return "";
    if (!allows(text)) throw badVariable(name, text, mustBe);
    return text;
  };
  return {
    verb,
    container: value(variables.container),
    netns: value(variables.netns),
    ifname: value(variables.ifname),
    pluginPath: foldersOf(value(variables.path)),
  };
}

function foldersOf(path: string): readonly string[] {
  const folders: string[] = [];
  for (const folder of path.split(":")) if (folder !== "") folders.push(folder);
  return folders;
}

export function readVerb({ CNI_COMMAND: verb }: Environment): Verb {
  if (verb && Object.hasOwn(leastVersion, verb)) return verb as Verb;
  const verbs = Object.keys(leastVersion).join(", ");
  if (!verb) throw new Fault(code.environment, "Cannot do anything without CNI_COMMAND", `set it to one of ${verbs}`);
  throw badVariable("CNI_COMMAND", verb, `one of ${verbs}`);
}

/** Not in the specification: the Go library (pkg/skel) allows the caller's own namespace with CNI_NETNS_OVERRIDE. */
export function mayBeOwnNetns({ CNI_NETNS_OVERRIDE: text = "" }: Environment): boolean {
  return text === "1" || text.toUpperCase() === "TRUE";
}

/** Throws code 1 if the configuration's version does not have the verb. */
export function requireVersionFor(verb: Verb, version: Version): void {
  const least = leastVersion[verb];
  if (isAtLeast(version, least)) return;
  throw new Fault(
    code.version,
    `Cannot do ${verb} with cniVersion = "${version}"`,
    `cniVersion must be at least ${least}`,
  );
}

/** The options by which a person sets what a runtime writes into a variable, or into a key of CNI_ARGS. */
const options: Readonly<Record<string, string>> = {
  CNI_IFNAME: "--ifname",
  CNI_NETNS: "<netns>",
  CNI_ARGS: "--ip and --mac",
  "IP in CNI_ARGS": "--ip",
  "MAC in CNI_ARGS": "--mac",
};

/** A variable as its reader knows it: `CNI_IFNAME`, or `--ifname` for a person. */
export function variableName(name: string, { byHand }: Audience): string {
  return byHand ? (options[name] ?? name) : name;
}

/** Code 4: `Cannot use CNI_IFNAME = "a/b"`. */
export function badVariable(name: string, value: string, mustBe: string): Fault {
  return new Fault(
    code.environment,
    (audience) => `Cannot use ${variableName(name, audience)} = ${shown(value)}`,
    (audience) => `${variableName(name, audience)} must be ${mustBe}`,
  );
}
