/** The references of pods to each other and to the host: joins, servers, tests. */
import { parseAddress } from "../../ip/address.ts";
import type { LabFile, PodEntry, TestEntry } from "../file/labFile.ts";
import type { Mistake } from "../file/mistakes.ts";
import { positionOf, type Source } from "../file/mistakes.ts";
import type { PodKey } from "../file/pods.ts";
import { suggested } from "../file/reader.ts";

/** Whether a pod has the key from the one that it joins, and so cannot have its own. */
const isOfJoined: Readonly<Record<PodKey, boolean>> = {
  ...{ host: true, networks: true, publish: true, sysctls: true, routes: true, hostname: true, dns: true },
  ...{ serve: false, run: false, env: false, joins: false },
};

export function refuseJoins(pods: readonly PodEntry[], mistakes: Mistake[]): void {
  const byName = new Map(pods.map((pod) => [pod.name.value, pod]));
  for (const { name, joins, keys } of pods) {
    if (joins === undefined) continue;
    const target = byName.get(joins.value);
    const others = [...byName.keys()].filter((one) => one !== name.value);
    if (target === undefined)
      mistakes.push({
        at: joins.at,
        message: `there is no pod ${joins.value} to join`,
        suggestion: suggested(joins.value, others),
      });
    else if (target.joins !== undefined)
      mistakes.push({
        at: joins.at,
        message:
          target === byName.get(name.value)
            ? `${name.value} joins itself`
            : `${joins.value} joins ${target.joins.value} itself, and a pod cannot join such a one`,
        suggestion:
          target === byName.get(name.value)
            ? "remove joins"
            : target.joins.value === name.value
              ? "remove one of the two"
              : `join ${target.joins.value}`,
      });
    for (const [key, isExcluded] of Object.entries(isOfJoined)) {
      const at = keys[key];
      if (at && isExcluded)
        mistakes.push({
          at,
          message: `${name.value} joins ${joins.value}, so it cannot have ${key}`,
          suggestion: `write ${key} at ${joins.value}`,
        });
    }
  }
}

/** Two servers on one port of a pod and of those that join it. */
export function refuseServers(pods: readonly PodEntry[], source: Source, mistakes: Mistake[]): void {
  const served = new Map<string, { readonly at: readonly [number, number]; readonly pod: string }>();
  for (const pod of pods) {
    for (const { kind, port, at } of pod.serve) {
      const key = `${pod.joins?.value ?? pod.name.value} ${kind === "udp" ? "udp" : "tcp"} ${port}`;
      const other = served.get(key);
      if (other)
        mistakes.push({
          at,
          message: `${pod.name.value} cannot serve port ${port}: ${other.pod} does so in line ${positionOf(source.text, other.at[0]).line}`,
          suggestion: "choose another port",
        });
      else served.set(key, { at, pod: pod.name.value });
    }
  }
}

/** Tests name pods, hosts, outside, or an address. `api.back` is api's address on back. */
export function refuseTests({ hosts, pods, networks, outside, tests }: LabFile, mistakes: Mistake[]): void {
  const hostNames = hosts.map(({ name }) => name.value);
  const others = [...hostNames, ...(outside === "none" ? [] : ["outside"])];
  const onHost = [...pods.map(({ name }) => name.value), ...others];
  const [senders, targets] = [hosts.length > 0 ? onHost : [...onHost, "host"], [...onHost, "host"]];
  const onNetwork = pods.flatMap((pod) => pod.networks.map(({ network }) => `${pod.name.value}.${network.value}`));
  const report = (at: TestEntry["at"], name: string, isFrom: boolean) => {
    const isNetwork = networks.some((one) => one.name.value === name);
    const what = outside === "none" && name === "outside" ? "outside is none in this lab" : `there is no pod ${name}`;
    const suggestion = isNetwork
      ? `${name} is a network: name a pod`
      : suggested(name, isFrom ? senders : [...targets, ...onNetwork]);
    mistakes.push({ at, message: what, suggestion });
  };
  const named = hostNames.join(", ");
  for (const { from, to } of tests) {
    const { name } = to.value;
    if (from.value === "host" && hosts.length > 0)
      mistakes.push({ at: from.at, message: "this lab has several hosts", suggestion: `name one: ${named}` });
    else if (!senders.includes(from.value)) report(from.at, from.value, true);
    if (name === "host" && from.value === "outside" && hosts.length > 0)
      mistakes.push({ at: to.at, message: "outside is on no host", suggestion: `name one: ${named}` });
    else if (!targets.includes(name) && !onNetwork.includes(name) && !parseAddress(name)) report(to.at, name, false);
  }
}
