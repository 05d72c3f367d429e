/** Where the interfaces of pods are: both ends, each in its namespace. */
import type { Result } from "../../conf/result/result.ts";
import type { Target } from "../model/impair.ts";
import type { Link } from "../model/lab.ts";
import type { Attached } from "./attach.ts";
import type { Interface } from "./impair.ts";
import type { RunningPod } from "./pods/pods.ts";

interface Connected {
  readonly hosts: ReadonlyMap<string, RunningPod>;
  readonly pods: ReadonlyMap<string, RunningPod>;
  readonly attached: readonly Attached[];
  readonly links: readonly Link[];
}

/** Both ends of an interface of a pod, or of one of several hosts; undefined if there is no such interface now. */
export function interfaceOf(
  { pod, ifname }: Target,
  { hosts, pods, attached, links }: Connected,
): Interface | undefined {
  const ownNetns = (pods.get(pod) ?? hosts.get(pod))?.netns;
  if (ownNetns === undefined) return undefined;
  for (const { ends } of links) {
    const place = ends.findIndex((end) => end.pod === pod && end.name === ifname);
    const other = ends[1 - place];
    if (place >= 0 && other)
      return { own: ifname, other: other.name, ownNetns, otherNetns: pods.get(other.pod)!.netns, otherPod: other.pod };
  }
  const found = attached.find((one) => one.pod === pod && one.ifname === ifname);
  if (found === undefined) return undefined;
  const { result, hostNetns } = found;
  return { own: ifname, other: hostLinkOf(result), ownNetns, otherNetns: hostNetns, otherPod: undefined };
}

/** The host's end of the veth pair that an ADD made. */
export function hostLinkOf({ interfaces = [] }: Result): string {
  return interfaces.find(({ sandbox, name }) => !sandbox && name.startsWith("nsv"))?.name ?? "";
}
