/** The impairments of a lab file: the interfaces that each means. */
import type { ImpairEntry, LabFile } from "../file/labFile.ts";
import { type Mistake, positionOf, type Source } from "../file/mistakes.ts";
import { suggested } from "../file/reader.ts";
import { uplink } from "./hosts.ts";
import type { Impairment, Lab, LinkEnd } from "./lab.ts";

/** An interface that can be impaired: of a pod, or of one of several hosts on the underlay. */
export interface Target {
  readonly pod: string;
  readonly ifname: string;
}

type Topology = Pick<Lab, "hosts" | "underlay" | "pods" | "links">;

export function impairmentsOf(
  { impairs }: LabFile,
  topology: Topology,
  source: Source,
  mistakes: Mistake[],
): Impairment[] {
  const seen: { readonly entry: ImpairEntry; readonly target: Target; readonly name: string }[] = [];
  return impairs.flatMap((entry) => {
    const { at, direction, values, places } = entry;
    const targets = targetsOf(at.value, topology);
    if ("message" in targets) {
      mistakes.push({ at: at.at, ...targets });
      return [];
    }
    for (const name of Object.keys(values)) {
      let isReported = false;
      for (const target of targets) {
        const other = seen.find((one) => one.name === name && isSame(one.target, target) && meet(one.entry, entry));
        if (other && !isReported)
          mistakes.push({
            at: places[name]!,
            message: `${name} of ${target.pod} is set already, in line ${positionOf(source.text, other.entry.places[name]![0]).line}`,
            suggestion: "remove one of the two",
          });
        isReported ||= other !== undefined;
        seen.push({ entry, target, name });
      }
    }
    return [{ at: at.value, place: positionOf(source.text, at.at[0]), targets, direction, values }];
  });
}

/** Why there are no interfaces, and what may be meant. */
interface NoTarget {
  readonly message: string;
  readonly suggestion: string;
}

/** The interfaces of `web`, `web@front`, `r1@r2` or `node1`. */
export function targetsOf(at: string, topology: Topology): Target[] | NoTarget {
  const { pods, links } = topology;
  const none = (message: string) => ({ message, suggestion: suggested(at, placesOf(topology)) });
  const [name = "", place] = at.split("@");
  if (isOnUnderlay(at, topology)) return [{ pod: at, ifname: uplink }];
  const pod = pods.find((one) => one.name === name);
  if (pod === undefined) return none(`there is no pod ${name}`);
  if (pod.joins)
    return { message: `${name} joins ${pod.joins}, and has no interface of its own`, suggestion: `write ${pod.joins}` };
  const ends = links.flatMap((link) => link.ends.map((end, i) => ({ end, other: link.ends[1 - i]! })));
  const own = ends.filter(({ end }) => end.pod === name);
  const all = [
    ...pod.interfaces.map((one) => ({ ifname: one.name, leads: [one.network, one.name] })),
    ...own.map(({ end, other }) => ({ ifname: end.name, leads: [other.pod, end.name] })),
  ];
  // There may be several links to one pod, and each has an interface of its own.
  const isInterface = own.some(({ end }) => end.name === place);
  const meant = all.filter(({ ifname, leads }) =>
    isInterface ? ifname === place : place === undefined || leads.includes(place),
  );
  if (meant.length === 0)
    return none(place === undefined ? `${name} has no interface` : `${name} is on no network and no link ${place}`);
  return meant.map(({ ifname }) => ({ pod: name, ifname }));
}

/** One of several hosts has an interface that pods and links do not. */
const isOnUnderlay = (name: string, { hosts, underlay }: Topology) =>
  underlay !== undefined && hosts.some((host) => host.name === name);

/** Every word that `at` takes. */
function placesOf({ hosts, underlay, pods, links }: Topology): string[] {
  const end = (one: LinkEnd, other: LinkEnd) => `${one.pod}@${other.pod}`;
  return [
    ...[...pods, ...(underlay ? hosts : [])].map(({ name }) => name),
    ...pods.flatMap(({ name, interfaces }) => interfaces.map(({ network }) => `${name}@${network}`)),
    ...links.flatMap(({ ends: [one, other] }) => [end(one, other), end(other, one)]),
  ];
}

const isSame = (a: Target, b: Target) => a.pod === b.pod && a.ifname === b.ifname;

const meet = (a: ImpairEntry, b: ImpairEntry) =>
  a.direction === b.direction || a.direction === "both" || b.direction === "both";
