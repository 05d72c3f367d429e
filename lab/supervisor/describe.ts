/** Describes a running lab, for `lab inspect` and `lab status`. */
import { formatAddress, formatCidr } from "../../ip/address.ts";
import type { Lab, Pod } from "../model/lab.ts";
import { endsOf } from "../model/links.ts";
import { macOf } from "../plan/configuration.ts";
import { hostLinkOf } from "../world/interfaces.ts";
import type { RunningPod } from "../world/pods.ts";
import type { World } from "../world/world.ts";
import type { Inspected, PodStatus } from "./answers.ts";

export function inspected({ lab, hosts, pods, attached }: World): Inspected {
  const outside = pods.get("outside");
  return {
    hosts: [...hosts.values()].map(holder),
    outside: outside && holder(outside),
    pods: lab.pods.map((pod) => ({
      ...holder(pods.get(pod.name)!),
      host: pod.host,
      joins: pod.joins ?? null,
      interfaces: [...interfacesOf(pod, attached), ...linksOf(pod, lab)],
      publishes: publishesOf(pod),
      serves: servesOf(pod),
      env: pod.env,
    })),
  };
}

function interfacesOf(pod: Pod, attached: World["attached"]) {
  return pod.interfaces.map(({ name, network, addresses }) => {
    const { result } = attached.find((one) => one.pod === pod.name && one.ifname === name)!;
    return {
      name,
      network,
      addresses: addresses.map(formatCidr),
      mac: result.interfaces?.find((one) => one.name === name && one.sandbox)?.mac ?? "",
      hostLink: hostLinkOf(result),
    };
  });
}

function linksOf(pod: Pod, lab: Lab) {
  return endsOf(lab.links, pod.name).map(({ name, addresses }) => ({
    name,
    network: null,
    addresses: addresses.map(formatCidr),
    mac: macOf(`${lab.name} ${pod.name} ${name}`),
    hostLink: null,
  }));
}

const holder = ({ name, pid, netns }: RunningPod) => ({ name, pid, inode: Number(netns.inode) });

export function statusOf({ lab, pods, commands }: World): PodStatus[] {
  return lab.pods.map((pod) => {
    const command = commands.all.get(pod.name);
    return {
      name: pod.name,
      addresses: pod.interfaces.flatMap(({ addresses }) => addresses.map(formatAddress)),
      serves: servesOf(pod),
      publishes: publishesOf(pod),
      run: command ? { state: stateOf(command.exitCode), exitCode: command.exitCode ?? null } : null,
      alive: pods.get(pod.name)!.isAlive,
    };
  });
}

function stateOf(exitCode: number | undefined): "running" | "done" | "failed" {
  if (exitCode === undefined) return "running";
  return exitCode === 0 ? "done" : "failed";
}

const servesOf = ({ serve }: Pod) => serve.map(({ kind, port }) => `${kind}:${port}`);

function publishesOf({ publish }: Pod): string[] {
  return publish.map(({ protocol, hostAddress, hostPort, podPort }) => {
    const text = hostAddress && formatAddress(hostAddress);
    const address = text === undefined ? "" : `${text.includes(":") ? `[${text}]` : text}:`;
    return `${address}${hostPort}:${podPort}${protocol === "tcp" ? "" : `/${protocol}`}`;
  });
}
