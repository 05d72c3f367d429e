/** A lab file as a lab: names checked, addresses given. Throws BadLabFile with all mistakes at once. */
import { resolve as absolute } from "node:path";
import type { Cidr } from "../../ip/address.ts";
import type { LabFile, NetworkEntry, PodEntry } from "../file/labFile.ts";
import { BadLabFile, type Mistake, type Source } from "../file/mistakes.ts";
import { readLabFile } from "../file/readLabFile.ts";
import { Addressing, refuseOverlaps } from "./addressing.ts";
import { blocksOf, hostNameOf, hostsOf, outsideOf, refuseHosts, underlayOf } from "./hosts.ts";
import { impairmentsOf } from "./impair.ts";
import type { Lab, Link, Network, Pod } from "./lab.ts";
import { endsOf, linksOf } from "./links.ts";
import { labNameOf, refuseNames } from "./names.ts";
import { refusePublished } from "./published.ts";
import { refuseJoins, refuseServers, refuseTests } from "./references.ts";
import { refuseGateways, refuseRoutesTwice } from "./routes.ts";

export const labOf = (source: Source): Lab => readLab(source)();

/**
 * Reads the file, and answers the function that makes a lab of it. `before` is the lab that is up from this file: pods keep the
 * addresses that were given automatically. Both throw BadLabFile.
 */
export function readLab(source: Source): (before?: Lab) => Lab {
  const mistakes: Mistake[] = [];
  const file = readLabFile(source, mistakes);
  return (before) => resolved(source, file, mistakes, before);
}

function resolved(source: Source, file: LabFile, mistakes: Mistake[], before: Lab | undefined): Lab {
  const name = labNameOf(source.file, file.name, mistakes);
  refuseNames(file, source, mistakes);
  refuseHosts(file, source, mistakes);
  refuseOverlaps(file, mistakes);
  refuseJoins(file.pods, mistakes);
  refuseServers(file.pods, source, mistakes);
  refusePublished(file, source, mistakes);
  refuseRoutesTwice(file.pods, source, mistakes);
  refuseTests(file, mistakes);
  const addressing = new Addressing(file, mistakes, before?.pods);
  const links = linksOf(file, mistakes);
  const pods = file.pods.map((pod) => podOf(pod, addressing, file));
  for (const [i, pod] of file.pods.entries()) refuseGateways(pod, addressesOf(pods[i]!, links), file, mistakes);
  const [hosts, underlay] = [hostsOf(file), underlayOf(file)];
  const impairments = impairmentsOf(file, { hosts, underlay, pods, links }, source, mistakes);
  if (mistakes.length > 0) throw new BadLabFile(source, mistakes);
  return {
    name,
    file: absolute(source.file),
    hosts,
    underlay,
    networks: file.networks.map((network) => networkOf(network, file)),
    pods,
    links,
    impairments,
    outside: outsideOf(file),
    tests: file.tests,
  };
}

function networkOf(network: NetworkEntry, file: LabFile): Network {
  const { name, subnets, masquerade, internal, isolate, mtu, config } = network;
  return {
    name: name.value,
    subnets: subnets.map(({ value }) => value),
    blocks: blocksOf(network, file),
    masquerade,
    internal,
    isolate,
    mtu: mtu?.value ?? underlayOf(file)?.podMtu,
    config,
  };
}

function podOf(pod: PodEntry, addressing: Addressing, file: LabFile): Pod {
  const { name, serve, publish, hostname, sysctls, routes, run, env, joins, dns } = pod;
  return {
    name: name.value,
    forwards: pod.forwards,
    host: hostNameOf(pod, file),
    interfaces: addressing.interfacesOf(pod),
    serve: serve.map(({ kind, port }) => ({ kind, port })),
    publish: publish.map(({ at: _, ...one }) => one),
    hostname: hostname?.value ?? name.value,
    sysctls: Object.fromEntries(sysctls.map(({ key, value }) => [key.value, value])),
    routes: routes.map(({ destination, gateway }) => ({ destination, gateway: gateway.value })),
    run: run?.value,
    env: Object.fromEntries(env.map(({ key, value }) => [key.value, value])),
    joins: joins?.value,
    dns,
  };
}

/** The addresses of a pod on networks and links. */
function addressesOf({ name, interfaces }: Pod, links: readonly Link[]): Cidr[] {
  const ends = endsOf(links, name);
  return [...interfaces, ...ends].flatMap(({ addresses }) => addresses);
}
