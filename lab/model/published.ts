/** Published ports: one port of the host for two, and ports that lead nowhere. */
import { formatAddress } from "../../ip/address.ts";
import type { LabFile, NetworkEntry, PodEntry, Published } from "../file/labFile.ts";
import { type Mistake, positionOf, type Source } from "../file/mistakes.ts";
import { hostNameOf } from "./hosts.ts";

/** Reports ports of the host that are published twice, and those that reach no pod. */
export function refusePublished(file: LabFile, source: Source, mistakes: Mistake[]): void {
  const { pods, networks } = file;
  const published: { readonly one: Published; readonly pod: string; readonly host: string }[] = [];
  for (const pod of pods) {
    const host = hostNameOf(pod, file);
    let isReported = false;
    for (const one of pod.publish) {
      const other = published.find((each) => each.host === host && isSamePort(each.one, one));
      if (other)
        mistakes.push({
          at: one.at,
          message: `port ${one.hostPort}/${one.protocol} of ${file.hosts.length > 0 ? host : "the host"} is published twice: first for ${other.pod} in line ${positionOf(source.text, other.one.at[0]).line}`,
          suggestion: "choose another port of the host",
        });
      published.push({ one, pod: pod.name.value, host });
      const refusal: Omit<Mistake, "at"> | undefined = isReported ? undefined : refusalOf(one, pod, networks);
      if (refusal) mistakes.push({ at: one.at, ...refusal });
      isReported ||= refusal !== undefined;
    }
  }
}

/** Why the port leads nowhere. It leads to the pod's first network, with an address to the first of that family. */
function refusalOf(
  { hostAddress }: Published,
  { name: { value: pod }, networks: joined, joins }: PodEntry,
  networks: readonly NetworkEntry[],
): Omit<Mistake, "at"> | undefined {
  if (joins) return undefined;
  if (joined.length === 0)
    return { message: `${pod} has no network that a port could lead to`, suggestion: "give it networks" };
  const own = joined.map(({ network }) => networks.find(({ name }) => name.value === network.value));
  // A network that is misspelled, or a subnet with a mistake, is reported already.
  if (!own.every((one) => one !== undefined && one.subnets.length > 0)) return undefined;
  const family = hostAddress?.family;
  const target = own.find((one) => family === undefined || one!.subnets.some(({ value }) => value.family === family));
  if (target === undefined)
    return {
      message: `${formatAddress(hostAddress!)} is an IPv${family} address, and no network of ${pod} has IPv${family}`,
      suggestion: `leave the address out, or give a network of ${pod} an IPv${family} subnet`,
    };
  const first = family === undefined ? "first network" : `first network with IPv${family}`;
  const why = target.internal
    ? "is internal: nothing is forwarded there"
    : target.gateway
      ? undefined
      : "has no gateway: the host has no address there";
  return (
    why && {
      message: `a published port leads to ${pod}'s ${first}, and ${target.name.value} ${why}`,
      suggestion: "name another network first",
    }
  );
}

/** Without an address, a port is that of every address; 0.0.0.0 and :: are every address of their family. */
function isSamePort(a: Published, b: Published): boolean {
  if (a.protocol !== b.protocol || a.hostPort !== b.hostPort) return false;
  const [one, other] = [a.hostAddress, b.hostAddress];
  if (one === undefined || other === undefined) return true;
  return one.family === other.family && (one.value === other.value || one.value === 0n || other.value === 0n);
}
