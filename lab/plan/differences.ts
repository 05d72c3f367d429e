/** The differences between two states of a lab's file, and what each does to a lab that is up. Pure. */
import { formatAddress, formatCidr } from "../../ip/address.ts";
import { shortForm } from "../file/tests.ts";
import { blockOf } from "../model/hosts.ts";
import type { Block, Lab, Link, Pod, Underlay } from "../model/lab.ts";
import { changedParts, hostParts, networkParts, podParts } from "./parts.ts";

export interface Change {
  readonly what: "host" | "pod" | "network" | "link" | "outside" | "impairment" | "test";
  /** A link is named by its first end, as `r1@r2`; a test by its short form, if it has no name; an impairment by its place. */
  readonly name: string;
  /** `restarted`: its processes and namespaces end, and it starts again with the same addresses. */
  readonly change: "added" | "removed" | "changed" | "restarted";
  readonly why: readonly string[];
}

/** `dead` are pods and hosts of `before` whose first process has ended: they start again. */
export function differences(before: Lab, after: Lab, dead: ReadonlySet<string> = new Set()): Change[] {
  const hosts = hostChanges(before, after, dead);
  const networks = networkChanges(before, after);
  return Object.values({
    hosts,
    underlay: [], // shown at each host
    networks,
    pods: podChanges(before, after, stoppedBy(hosts), networks, dead),
    links: compared("link", linksOf(before), linksOf(after)),
    outside: outsideChanges(before, after, dead),
    impairments: compared("impairment", impairmentsOf(before), impairmentsOf(after)),
    tests: compared("test", testsOf(before), testsOf(after)),
  } satisfies { readonly [Part in keyof Omit<Lab, "name" | "file">]: Change[] }).flat();
}

/** A lab without anything, to compare one with that is not up. */
export function emptyLab({ name, file }: Lab): Lab {
  const nothing = { hosts: [], networks: [], pods: [], links: [], impairments: [], tests: [] };
  return { name, file, ...nothing, underlay: undefined, outside: undefined };
}

const withProcesses: readonly Change["what"][] = ["host", "pod", "outside"];

/** The hosts, the pods and outside that the lab gets. */
export function addedBy(changes: readonly Change[]): string[] {
  return changes
    .filter(({ what, change }) => change === "added" && withProcesses.includes(what))
    .map(({ name }) => name);
}

/** The hosts, the pods and outside that end, for good or to be started again. */
export function stoppedBy(changes: readonly Change[]): Set<string> {
  const ends = ({ what, change }: Change) =>
    withProcesses.includes(what) && (change === "removed" || change === "restarted");
  return new Set(changes.filter(ends).map(({ name }) => name));
}

/** Pods, and those that join them: they share namespaces, so they end together. */
export function withJoining({ pods }: Lab, names: Iterable<string>): Set<string> {
  const all = new Set(names);
  for (const { name, joins } of pods) if (joins !== undefined && all.has(joins)) all.add(name);
  return all;
}

/** The hosts of a lab with several. The only host of another is part of the lab itself. */
function hostChanges(before: Lab, after: Lab, dead: ReadonlySet<string>): Change[] {
  const [old, now] = [before.underlay, after.underlay];
  const underlay = old && now && !Bun.deepEquals(old, now) ? underlayText(old, now) : undefined;
  return paired(old ? before.hosts : [], now ? after.hosts : []).flatMap(({ name, old, now }): Change[] => {
    if (!old || !now) return [{ what: "host", name, change: now ? "added" : "removed", why: [] }];
    const why = [
      ...changedParts(hostParts, old, now).map(({ text }) => text),
      ...(underlay ? [underlay] : []),
      ...(dead.has(name) ? ["it is dead"] : []),
    ];
    return why.length > 0 ? [{ what: "host", name, change: "restarted", why }] : [];
  });
}

function underlayText(before: Underlay, after: Underlay): string {
  return before.across === after.across
    ? `mtu of pods: ${before.podMtu} → ${after.podMtu}`
    : `across: ${before.across} → ${after.across}`;
}

function networkChanges(before: Lab, after: Lab): Change[] {
  return paired(before.networks, after.networks).flatMap(({ name, old, now }): Change[] => {
    if (!old || !now) return [{ what: "network", name, change: now ? "added" : "removed", why: [] }];
    const why = changedParts(networkParts, old, now).map(({ text }) => text);
    return why.length > 0 ? [{ what: "network", name, change: "changed", why }] : [];
  });
}

function podChanges(
  before: Lab,
  after: Lab,
  hosts: ReadonlySet<string>,
  networks: readonly Change[],
  dead: ReadonlySet<string>,
): Change[] {
  const changedNetworks = networks.filter(({ change }) => change === "changed").map(({ name }) => name);
  const changes = paired(before.pods, after.pods).flatMap(({ name, old, now }): Change[] => {
    if (!old || !now) return [{ what: "pod", name, change: now ? "added" : "removed", why: [] }];
    const own = Bun.deepEquals(old, now) ? [] : changedParts(podParts, old, now);
    const others = [
      ...old.interfaces
        .filter(({ network }) => changedNetworks.includes(network))
        .map(({ network }) => `${network} changes`),
      ...movedParts(old, before, after),
      ...(hosts.has(old.host) ? [`${old.host}, its host, changes`] : []),
      ...(dead.has(name) ? ["it is dead"] : []),
    ];
    if (own.length + others.length === 0) return [];
    const change = others.length > 0 || own.some(({ restarts }) => restarts) ? "restarted" : "changed";
    return [
      { what: "pod", name, change, why: [...own.map(({ text }) => text), ...takers(old, now, after), ...others] },
    ];
  });
  const stopped = stoppedBy(changes);
  const joining = after.pods.filter(
    ({ joins, name }) =>
      joins && stopped.has(joins) && !changes.some((one) => one.name === name && one.change !== "changed"),
  );
  return [
    ...changes.filter((one) => !joining.some(({ name }) => name === one.name)),
    ...joining.map(
      ({ name, joins }): Change => ({
        ...{ what: "pod", name, change: "restarted" },
        why: [...(changes.find((one) => one.name === name)?.why ?? []), `${joins}, which it joins, restarts`],
      }),
    ),
  ];
}

/** Networks whose part on the pod's host is another one now. */
function movedParts({ host, interfaces }: Pod, before: Lab, after: Lab): string[] {
  return interfaces.flatMap(({ network }) => {
    const [old, now] = [before, after].map(({ networks }) => {
      const found = networks.find(({ name }) => name === network);
      return found && blockOf(found, host);
    });
    if (!old || !now || Bun.deepEquals(old.subnets, now.subnets)) return [];
    const text = ({ subnets }: Block) => subnets.map(formatCidr).join(", ");
    return [`${network} on ${host}: ${text(old)} → ${text(now)}`];
  });
}

/** The pods that now have an address that a pod had before. */
function takers(old: Pod, now: Pod, { pods }: Lab): string[] {
  const addressesOf = ({ interfaces }: Pod) => interfaces.flatMap(({ addresses }) => addresses.map(formatAddress));
  const lost = addressesOf(old).filter((address) => !addressesOf(now).includes(address));
  return pods.flatMap((pod) =>
    addressesOf(pod)
      .filter((address) => pod.name !== now.name && lost.includes(address))
      .map((address) => `${address} is now ${pod.name}'s`),
  );
}

function outsideChanges({ outside: before }: Lab, { outside: after }: Lab, dead: ReadonlySet<string>): Change[] {
  const one = (change: Change["change"], why: readonly string[] = []): Change[] => [
    { what: "outside", name: "outside", change, why },
  ];
  if (!before || !after) return before === after ? [] : one(after ? "added" : "removed");
  if (!Bun.deepEquals(before, after)) return one("restarted", [`its addresses follow the families of the networks`]);
  return dead.has("outside") ? one("restarted", ["it is dead"]) : [];
}

function linksOf({ links }: Lab): Map<string, unknown> {
  return new Map(links.map((link) => [linkName(link), link]));
}

const linkName = ({ ends: [{ pod, name }] }: Link) => `${pod}@${name}`;

/** By place, as the file writes it. */
function impairmentsOf({ impairments }: Lab): Map<string, unknown> {
  return grouped(impairments.map(({ at, targets, direction, values }) => [at, { targets, direction, values }]));
}

function testsOf({ tests }: Lab): Map<string, unknown> {
  return grouped(
    tests.map(({ at: _, from, to, ...rest }) => [
      rest.title ?? shortForm({ from, to, expected: rest.expected }),
      { ...rest, from: from.value, to: to.value },
    ]),
  );
}

function grouped(all: readonly (readonly [name: string, value: unknown])[]): Map<string, unknown[]> {
  const groups = new Map<string, unknown[]>();
  for (const [name, value] of all) groups.set(name, [...(groups.get(name) ?? []), value]);
  return groups;
}

function compared(
  what: Change["what"],
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): Change[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((name): Change[] => {
    const isBoth = before.has(name) && after.has(name);
    if (isBoth && Bun.deepEquals(before.get(name), after.get(name))) return [];
    const change = isBoth ? "changed" : after.has(name) ? "added" : "removed";
    return [{ what, name, change, why: [] }];
  });
}

/** By name: those that went first, then the order of the file. */
function paired<One extends { readonly name: string }>(before: readonly One[], after: readonly One[]) {
  const old = new Map(before.map((one) => [one.name, one]));
  const now = new Map(after.map((one) => [one.name, one]));
  const gone = before.filter(({ name }) => !now.has(name));
  return [...gone, ...after].map(({ name }) => ({ name, old: old.get(name), now: now.get(name) }));
}
