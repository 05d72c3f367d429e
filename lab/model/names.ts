/** Names in a lab: of the lab itself, of networks and pods. */
import { basename, dirname, resolve } from "node:path";
import type { LabFile } from "../file/labFile.ts";
import { type Located, type Mistake, positionOf, type Source } from "../file/mistakes.ts";
import { suggested } from "../file/reader.ts";
import { hostname, label, labelMax, networksReserved, podsReserved } from "../file/words.ts";
import { uplink, vxlanLink } from "./hosts.ts";

const labName = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const labNameMax = 32;

/** Bridges of several hosts cannot have these names. */
const linksOfHosts = [uplink, vxlanLink];

/** The file's own name for the lab, or one made of the path: the stem, and for lab.yaml that of the folder. */
export function labNameOf(file: string, given: Located<string> | undefined, mistakes: Mistake[]): string {
  if (given === undefined) return fitted(stemOf(file), labNameMax) || "lab";
  const { value, at } = given;
  if (labName.test(value) && value.length <= labNameMax) return value;
  const message = `${JSON.stringify(value)} is no name of a lab: small letters, digits and "-", at most ${labNameMax}`;
  const name = fitted(value, labNameMax) || "lab";
  mistakes.push({ at, message, suggestion: `write ${name}` });
  return name;
}

function stemOf(file: string): string {
  const stem = basename(file).replace(/\.(ya?ml|json)$/, "");
  return stem === "lab" ? basename(dirname(resolve(file))) : stem;
}

/** The word with small letters, digits and "-" alone; empty if it has none. */
function fitted(word: string, lengthMax: number): string {
  const letters = word.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return letters.slice(0, lengthMax).replace(/^-+|-+$/g, "");
}

/** Reports names that are none, that are reserved, and that nothing has. */
export function refuseNames({ hosts, networks, pods }: LabFile, source: Source, mistakes: Mistake[]): void {
  for (const { name } of [...hosts, ...networks, ...pods]) refuseName(name, mistakes);
  for (const { name } of hosts) refuseReserved(name, "host", podsReserved, mistakes);
  for (const { name } of pods) refuseReserved(name, "pod", podsReserved, mistakes);
  const ofNetworks = hosts.length > 0 ? [...networksReserved, ...linksOfHosts] : networksReserved;
  for (const { name } of networks) refuseReserved(name, "network", ofNetworks, mistakes);
  for (const pod of pods) if (pod.hostname) refuseHostname(pod.hostname, mistakes);
  refuseTwice([...hosts.map((one) => ({ ...one, isHost: true })), ...pods], source, mistakes);
  const known = networks.map(({ name }) => name.value);
  for (const pod of pods) {
    const seen = new Set<string>();
    for (const { network } of pod.networks) {
      if (!known.includes(network.value))
        mistakes.push({
          at: network.at,
          message: `there is no network ${network.value}`,
          suggestion: suggested(network.value, known),
        });
      else if (seen.has(network.value))
        mistakes.push({
          at: network.at,
          message: `${pod.name.value} is on ${network.value} twice`,
          suggestion: "name it once, with all its addresses",
        });
      seen.add(network.value);
    }
  }
}

function refuseReserved({ value, at }: Located<string>, of: string, reserved: string[], mistakes: Mistake[]): void {
  if (!reserved.includes(value)) return;
  const suggestion = `not for a ${of}: ${reserved.join(", ")}`;
  mistakes.push({ at, message: `${value} is a reserved name`, suggestion });
}

function refuseHostname({ value, at }: Located<string>, mistakes: Mistake[]): void {
  if (hostname.test(value)) return;
  const message = `${JSON.stringify(value)} is no hostname: letters, digits, "-" and ".", at most 64`;
  const fixed = value
    .replace(/[^a-zA-Z0-9.-]+/g, "-")
    .replace(/^[.-]+/, "")
    .slice(0, 64)
    .replace(/[.-]+$/, "");
  mistakes.push({ at, message, suggestion: fixed ? `write ${fixed}` : "begin with a letter or a digit" });
}

interface Named {
  readonly name: Located<string>;
  readonly isHost?: boolean;
}

/** YAML itself refuses a key twice, but not the same key in `hosts`, `pods` and `routers`. */
function refuseTwice(all: readonly Named[], source: Source, mistakes: Mistake[]): void {
  for (const { name } of all) {
    const first = all.find((one) => one.name.value === name.value)!;
    if (first.name === name) continue;
    const { line } = positionOf(source.text, first.name.at[0]);
    mistakes.push({
      at: name.at,
      message: `${name.value} is a ${first.isHost ? "host" : "pod"} already, in line ${line}`,
      suggestion: "give one of the two another name",
    });
  }
}

function refuseName({ value, at }: Located<string>, mistakes: Mistake[]): void {
  if (label.test(value) && value.length <= labelMax) return;
  const message = `${JSON.stringify(value)} is no name: small letters, digits and "-", at most ${labelMax}`;
  const fixed = fitted(value, labelMax);
  mistakes.push({ at, message, suggestion: fixed ? `write ${fixed}` : "begin with a letter" });
}
