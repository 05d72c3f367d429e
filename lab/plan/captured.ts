/** The interfaces that words such as `web@front` mean to `lab capture`, and how they are called in its file. Pure. */
import { uplink } from "../model/hosts.ts";
import { targetsOf } from "../model/impair.ts";
import type { Host, Lab } from "../model/lab.ts";
import { bridgeOf } from "./configuration.ts";
import { linkAcross } from "./hosts.ts";

/** An interface in the namespace of a pod, a host or `outside`. */
export interface Captured {
  /** `web@front`, `r1@r2`, `outside`; of a host: a bridge `host@front`, `host@outside`, `node1@underlay`, `node1@vxlan0`. */
  readonly name: string;
  readonly holder: string;
  readonly ifname: string;
}

/** Why there are none, and what may be meant. */
interface NotCaptured {
  readonly message: string;
  readonly suggestion: string;
}

/** In the order of the words, each once. `hostLink` is the host's end of the link to outside. */
export function capturedAt(words: readonly string[], lab: Lab, hostLink: string | undefined): Captured[] | NotCaptured {
  const found = new Map<string, Captured>();
  for (const word of words) {
    const meant = meantBy(word, lab, hostLink);
    if ("message" in meant) return meant;
    for (const one of meant) found.set(`${one.holder} ${one.ifname}`, one);
  }
  return [...found.values()];
}

function meantBy(word: string, lab: Lab, hostLink: string | undefined): Captured[] | NotCaptured {
  const host = lab.hosts.find(({ name }) => name === word.split("@")[0]);
  if (host) return atHost(word, host.name, ofHost(lab, host, hostLink));
  if (word === "outside" && lab.outside) return [{ name: "outside", holder: "outside", ifname: "eth0" }];
  const targets = targetsOf(word, lab);
  return "message" in targets ? targets : targets.map(({ pod, ifname }) => ofPod(pod, ifname, lab));
}

/** The bridges of networks that have pods there, and the links to outside and to other hosts. */
function ofHost(lab: Lab, { name: host }: Host, hostLink: string | undefined): Captured[] {
  const own = lab.pods.filter((pod) => pod.host === host);
  const used = new Set(own.flatMap(({ interfaces }) => interfaces.map(({ network }) => network)));
  const bridges = lab.networks.filter(({ name }) => used.has(name));
  const { underlay } = lab;
  const across = underlay && linkAcross(underlay);
  const others = [
    ...(hostLink === undefined || underlay ? [] : [{ leads: "outside", ifname: hostLink }]),
    ...(underlay ? [{ leads: "underlay", ifname: uplink }] : []),
    ...(across === undefined || across === uplink ? [] : [{ leads: across, ifname: across }]),
  ];
  return [...bridges.map(({ name }) => ({ leads: name, ifname: bridgeOf(name) })), ...others].map((one) => ({
    name: `${host}@${one.leads}`,
    holder: host,
    ifname: one.ifname,
  }));
}

function atHost(word: string, host: string, all: readonly Captured[]): Captured[] | NotCaptured {
  const found = all.filter(({ name, ifname }) => [host, name, `${host}@${ifname}`].includes(word));
  if (found.length > 0) return found;
  const names = all.map(({ name }) => name).join(", ");
  return {
    message: word === host ? `${host} has no bridge` : `${host} has no ${word.slice(host.length + 1)}`,
    suggestion: names ? `there is: ${names}` : "name a pod",
  };
}

/** Where several links lead to the same pod, the name of the interface says which one is meant. */
function ofPod(pod: string, ifname: string, { pods, links }: Lab): Captured {
  const network = pods.find(({ name }) => name === pod)!.interfaces.find(({ name }) => name === ifname)?.network;
  const ends = links.flatMap((link) => link.ends.map((end, i) => ({ end, other: link.ends[1 - i]!.pod })));
  const own = ends.filter(({ end }) => end.pod === pod);
  const other = own.find(({ end }) => end.name === ifname)?.other;
  const isOnly = own.filter((one) => one.other === other).length === 1;
  return { name: `${pod}@${network ?? (isOnly ? other : ifname)}`, holder: pod, ifname };
}
