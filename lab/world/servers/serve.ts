/** The servers of a lab's pods: those that its file names, a DNS server in each pod, and the web server of outside. */
import type { Cidr } from "../../../ip/address.ts";
import type { Lab, Pod } from "../../model/lab.ts";
import { endsOf } from "../../model/links.ts";
import { netOwnerOf } from "../../plan/names.ts";
import type { World } from "../world.ts";
import { openDnsServer } from "./dnsServer.ts";
import { type Opening, serversOf } from "./servers.ts";

/** Opens and closes servers until they are those of the lab. They listen when the promise resolves. */
export async function serve(world: World): Promise<void> {
  const all = wantedServers(world);
  for (const [pod, listening] of world.servers) {
    for (const [key, server] of listening) {
      if (all.get(pod)?.has(key)) continue;
      server[Symbol.dispose]();
      listening.delete(key);
    }
  }
  for (const [pod, wanted] of all) {
    const listening = world.servers.get(pod) ?? new Map();
    world.servers.set(pod, listening);
    for (const [key, open] of wanted) if (!listening.has(key)) listening.set(key, await open());
  }
}

/** Closes all servers of a pod. Sockets would keep its network namespace alive. */
export function stopServing({ servers }: World, pod: string): void {
  for (const server of servers.get(pod)?.values() ?? []) server[Symbol.dispose]();
  servers.delete(pod);
}

/** Outside answers ping and HTTP. */
const outsidePod = { name: "outside", serve: [{ kind: "http", port: 80 }] } as const;

function wantedServers(world: World): Map<string, Map<string, Opening>> {
  const { lab, pods } = world;
  const all = new Map<string, Map<string, Opening>>();
  for (const pod of lab.pods) {
    const { netns } = pods.get(pod.name)!;
    const wanted = serversOf(pod, netns, addressesOf(lab, netOwnerOf(pod, lab)));
    if (pod.joins === undefined && pod.dns)
      wanted.set("dns", () => openDnsServer(netns, () => world.names.seenFrom(pod.name)));
    all.set(pod.name, wanted);
  }
  if (lab.outside) all.set("outside", serversOf(outsidePod, pods.get("outside")!.netns, []));
  return all;
}

function addressesOf({ links }: Lab, pod: Pod): Cidr[] {
  return [...pod.interfaces, ...endsOf(links, pod.name)].flatMap((one) => one.addresses);
}
