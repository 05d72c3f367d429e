/** Describes a running lab, for `lab inspect` and `lab status`. */
import { formatAddress, formatCidr } from "../../ip/address.ts";
import type { Lab, Pod } from "../model/lab.ts";
import { endsOf } from "../model/links.ts";
import { macOf } from "../plan/configuration.ts";
import { publishesOf, servesOf } from "../plan/texts.ts";
import { hostLinkOf } from "../world/interfaces.ts";
import type { RunningPod } from "../world/pods/pods.ts";
import type { World } from "../world/world.ts";
import type { Inspected, PodStatus } from "./answers.ts";

export function inspected({ lab, hosts, pods, attached }: World): Inspected {
  const outside = pods.get("outside");
  return {
    hosts: [...hosts.values()].map((host) => holder(host.name, host)),
    outside: outside && holder("outside", outside),
    pods: lab.pods.map((pod) => ({
      ...holder(pod.name, pods.get(pod.name)),
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
  return pod.interfaces.flatMap(({ name, network, addresses }) => {
    const result = attached.find((one) => one.pod === pod.name && one.ifname === name)?.result;
    if (result === undefined) return [];
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

/** A pod that a failed restart left without processes has pid 0. */
const holder = (name: string, pod: RunningPod | undefined) => ({
  name,
  pid: pod?.pid ?? 0,
  inode: Number(pod?.netns.inode ?? 0),
});

export function statusOf({ lab, pods, commands }: World): PodStatus[] {
  return lab.pods.map((pod) => {
    const command = commands.all.get(pod.name);
    return {
      name: pod.name,
      addresses: pod.interfaces.flatMap(({ addresses }) => addresses.map(formatAddress)),
      serves: servesOf(pod),
      publishes: publishesOf(pod),
      run: command ? { state: stateOf(command.exitCode), exitCode: command.exitCode ?? null } : null,
      alive: pods.get(pod.name)?.isAlive === true,
    };
  });
}

function stateOf(exitCode: number | undefined): "running" | "done" | "failed" {
  if (exitCode === undefined) return "running";
  return exitCode === 0 ? "done" : "failed";
}
