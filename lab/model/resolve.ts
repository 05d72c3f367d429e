/** A lab file as a lab: names checked, addresses given. Throws BadLabFile with all mistakes at once. */
import { resolve as absolute } from "node:path";
import type { Cidr } from "../../ip/address.ts";
import type { LabFile, NetworkEntry, PodEntry } from "../file/labFile.ts";
import { BadLabFile, type Mistake, type Source } from "../file/mistakes.ts";
import { readLabFile } from "../file/readLabFile.ts";
import { Addressing, nthOf, outsideSubnets, refuseOverlaps } from "./addressing.ts";
import { impairmentsOf } from "./impair.ts";
import type { Lab, Link, Network, Outside, Pod } from "./lab.ts";
import { endsOf, linksOf } from "./links.ts";
import { labNameOf, refuseNames } from "./names.ts";
import { refusePublished } from "./published.ts";
import { refuseJoins, refuseServers, refuseTests } from "./references.ts";
import { refuseGateways, refuseRoutesTwice } from "./routes.ts";

export function labOf(source: Source): Lab {
  const mistakes: Mistake[] = [];
  const file = readLabFile(source, mistakes);
  const name = labNameOf(source.file, file.name, mistakes);
  refuseNames(file, source, mistakes);
  refuseOverlaps(file, mistakes);
  refuseJoins(file.pods, mistakes);
  refuseServers(file.pods, source, mistakes);
  refusePublished(file, source, mistakes);
  refuseRoutesTwice(file.pods, source, mistakes);
  refuseTests(file, mistakes);
  const addressing = new Addressing(file, mistakes);
  const links = linksOf(file, mistakes);
  const pods = file.pods.map((pod) => podOf(pod, addressing));
  for (const [i, pod] of file.pods.entries()) refuseGateways(pod, addressesOf(pods[i]!, links), file, mistakes);
  const impairments = impairmentsOf(file, { pods, links }, source, mistakes);
  if (mistakes.length > 0) throw new BadLabFile(source, mistakes);
  return {
    name,
    file: absolute(source.file),
    networks: file.networks.map(networkOf),
    pods,
    links,
    impairments,
    outside: outsideOf(file),
    tests: file.tests,
  };
}

function networkOf({ name, subnets, gateway, ...rest }: NetworkEntry): Network {
  const values = subnets.map(({ value }) => value);
  return {
    name: name.value,
    subnets: values,
    gateways: gateway ? values.map((subnet) => nthOf(subnet, 1n)) : [],
    masquerade: rest.masquerade,
    internal: rest.internal,
    isolate: rest.isolate,
    mtu: rest.mtu,
    config: rest.config,
  };
}

function podOf(pod: PodEntry, addressing: Addressing): Pod {
  const { name, serve, publish, hostname, sysctls, routes, run, env, joins, dns } = pod;
  return {
    name: name.value,
    forwards: pod.forwards,
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

function outsideOf({ outside, networks }: LabFile): Outside | undefined {
  if (outside === "none") return undefined;
  const hasIpv6 = networks.some(({ subnets }) => subnets.some(({ value }) => value.family === 6));
  const subnets = outsideSubnets.filter(({ family }) => family === 4 || hasIpv6);
  const numbered = (n: bigint) => subnets.map((subnet) => ({ ...nthOf(subnet, n), prefixLength: subnet.prefixLength }));
  return { addresses: numbered(1n), hostAddresses: numbered(2n) };
}
