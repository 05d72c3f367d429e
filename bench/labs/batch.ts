/**
 * The lab with as few processes as ip(8) and nft(8) allow: a file of commands for the host, one for each namespace, and
 * one for nft. Pure.
 */
import { type Plan, prefixLength } from "./plan.ts";
import { hostSettings, masqueradingOf, podSettings, table } from "./script.ts";

/** Texts by the name of their file. All refer to one another as files of the current folder. */
export type Files = Readonly<Record<string, string>>;

export const batchScript = "batch.sh";
export const batchRemovalScript = "batch-removal.sh";

/** The settings need a process in each namespace: `ip -batch` sets none. nsenter starts it faster than `ip netns exec`. */
export function batchFilesOf(plan: Plan): Files {
  const { networks, pods } = plan;
  const files: Record<string, string> = {
    "rules.nft": text(masqueradingOf(plan)),
    "host.batch": text([
      ...networks.flatMap(({ name, gateway }) => [
        `link add ${name} type bridge`,
        `address add ${gateway}/${prefixLength} dev ${name}`,
        `link set ${name} up`,
      ]),
      ...pods.flatMap(({ namespace, network }, i) => [
        `netns add ${namespace}`,
        `link add veth${i} type veth peer name eth0 netns ${namespace}`,
        `link set veth${i} master ${network.name} up`,
      ]),
    ]),
    [batchScript]: text([
      "set -e",
      `sysctl -qw ${hostSettings}`,
      "ip -batch host.batch",
      "nft -f rules.nft",
      ...pods.flatMap(({ namespace }) => [
        `nsenter --net=/run/netns/${namespace} sysctl -qw ${podSettings}`,
        `ip -n ${namespace} -batch ${namespace}.batch`,
      ]),
    ]),
    "removal.batch": text([
      ...pods.map(({ namespace }) => `netns del ${namespace}`),
      ...networks.map(({ name }) => `link del ${name}`),
    ]),
    [batchRemovalScript]: text(["set -e", "ip -batch removal.batch", `nft delete table ip ${table}`]),
  };
  for (const { namespace, network, address } of pods) {
    files[`${namespace}.batch`] = text([
      `address add ${address}/${prefixLength} dev eth0`,
      "link set lo up",
      "link set eth0 up",
      `route add default via ${network.gateway}`,
    ]);
  }
  return files;
}

const text = (lines: readonly string[]) => `${lines.join("\n")}\n`;
