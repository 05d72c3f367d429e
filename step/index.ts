/**
 * The kinds of step. To add one: a file that exports the kind under its name, and here its import and its name in one of
 * the groups. Import a kind that few attachments have with `defer`, then its module is the entry; import one that every
 * ADD has by its name, since an object for its module would cost each process.
 *
 * The groups say how long the effect of a kind lasts. A kind does not declare that in its file, because DEL asks it of
 * every step that it remembers, and would load the file only to learn that there is nothing to undo.
 */

import type { Result } from "../conf/result/result.ts";
import type { Kernel, Where } from "../kernel/kernel.ts";
import type { Message } from "../netlink/message.ts";
import type { Link } from "../netlink/route/link.ts";
import { errno, isKernelError } from "../sys/errors.ts";
import { address } from "./address/address.ts";
import defer * as awaitDad from "./address/awaitDad.ts";
import defer * as removedRoute from "./address/removedRoute.ts";
import { route } from "./address/route.ts";
import defer * as rule from "./address/rule.ts";
import { sysctl } from "./address/sysctl.ts";
import defer * as adopted from "./adopted.ts";
import defer * as bandwidth from "./bandwidth.ts";
import defer * as firewalldZone from "./firewalld/zone.ts";
import defer * as down from "./impair/down.ts";
import defer * as netem from "./impair/netem.ts";
import defer * as packetLoss from "./impair/packetLoss.ts";
import defer * as tokenBucket from "./impair/tokenBucket.ts";
import type { AnyStep, Difference, Given, Hints, Kind, Owner, PrintContext } from "./kind.ts";
import { awaitForwarding } from "./link/awaitForwarding.ts";
import { bridge } from "./link/bridge.ts";
import { bridgePort } from "./link/bridgePort.ts";
import defer * as closedLoopback from "./link/closedLoopback.ts";
import defer * as containerLink from "./link/containerLink.ts";
import defer * as hostDevice from "./link/hostDevice.ts";
import defer * as member from "./link/member.ts";
import { noLinkLocal } from "./link/noLinkLocal.ts";
import defer * as portVlan from "./link/portVlan.ts";
import defer * as routeLocalnet from "./link/routeLocalnet.ts";
import defer * as tap from "./link/tap.ts";
import defer * as tuning from "./link/tuning.ts";
import { up } from "./link/up.ts";
import { veth } from "./link/veth.ts";
import defer * as vlanGateway from "./link/vlanGateway.ts";
import defer * as vrf from "./link/vrf.ts";
import defer * as asRead from "./nft/asRead.ts";
import defer * as forwardAccept from "./nft/forwardAccept.ts";
import defer * as ingressPolicy from "./nft/ingressPolicy.ts";
import defer * as internalNetwork from "./nft/internalNetwork.ts";
import defer * as macSpoofCheck from "./nft/macSpoofCheck.ts";
import { masquerade } from "./nft/masquerade.ts";
import defer * as rangesAcross from "./nft/rangesAcross.ts";
import defer * as forwardingEntry from "./overlay/forwardingEntry.ts";
import defer * as neighbour from "./overlay/neighbour.ts";
import defer * as proxyNeighbour from "./overlay/proxyNeighbour.ts";
import defer * as vxlan from "./overlay/vxlan.ts";
import defer * as portConditions from "./ports/conditions.ts";
import defer * as masqAll from "./ports/masqAll.ts";
import defer * as ports from "./ports/ports.ts";

/** They make the interface of an attachment: with its other end on the host, or in the container alone. */
const hostLinks = { veth: { veth } };
const containerLinks = { containerLink, hostDevice, tap };

/** They outlive the interface, so DEL undoes them. If nothing is remembered, they are found by their marks, in this order. */
const marked = { ports, portConditions, masqAll, macSpoofCheck, bandwidth };

/** They outlive the interface, so DEL undoes those that are remembered. Only the DEL of `firewall` looks for their leftovers. */
const remembered = { forwardAccept, firewalldZone };

/** An attachment that the reference's plugins created before ns-net replaced them; plugin/takeover/ finds it. */
const othersOwn = { adopted };

/** They end with the link or the namespace that they change, unless the DEL of a chained plugin undoes them before. */
const ofLinks = {
  address: { address },
  awaitForwarding: { awaitForwarding },
  member,
  route: { route },
  rule,
  awaitDad,
  noLinkLocal: { noLinkLocal },
  sysctl: { sysctl },
  tuning,
  up: { up },
  vrf,
  removedRoute,
};

/** Attachments share them. GC removes them; those of the second group also go with the DEL of the last attachment. */
const shared = { bridge: { bridge }, routeLocalnet, masquerade: { masquerade }, vlanGateway };
const sharedToTheLast = { ingressPolicy };

/** As those of links, on the host alone. */
const hostSettings = { bridgePort: { bridgePort }, closedLoopback, portVlan };

/** They end with the network namespace of a lab's host. */
const ofLabs = { internalNetwork, netem, tokenBucket, packetLoss, down };

/** How a host reaches the parts of its networks on other hosts. */
const ofHosts = { vxlan, neighbour, forwardingEntry, proxyNeighbour, rangesAcross };

const kinds = {
  ...hostLinks,
  ...containerLinks,
  ...marked,
  ...remembered,
  ...othersOwn,
  ...ofLinks,
  ...hostSettings,
  ...shared,
  ...sharedToTheLast,
  ...ofLabs,
  ...ofHosts,
};

type Files = typeof kinds;
type Name = keyof Files;

/** The compiler refuses an entry whose file does not export a kind of that name. */
kinds satisfies { readonly [N in Name]: { readonly [K in N]: Kind<{ readonly kind: N }, unknown> } };

type Of<N extends Name> = Files[N] extends { readonly [K in N]: Kind<infer S, infer Key> }
  ? { readonly step: S; readonly key: Key }
  : never;

export type Step = { [N in Name]: Of<N>["step"] }[Name];

/** The part of a step that its undo needs; leftoversOf derives it from the attachment's name alone. */
export type Removal = { [N in Name]: { readonly kind: N } & Of<N>["key"] }[Name];

/** The steps of an entry or a record of the store, where they are plain data: the store does not know the kinds. */
export const stepsOf = (kept: { readonly steps?: readonly unknown[] | undefined } | undefined): readonly Step[] =>
  (kept?.steps ?? []) as readonly Step[];

// A step and its kind belong together by `kind`; the compiler cannot follow that through a lookup.
const kindOf = ({ kind }: { readonly kind: Name }) =>
  (kinds[kind] as unknown as { readonly [N in Name]: Kind<AnyStep> })[kind];

/** True if this call created something that `undoStep` removes. */
export const applyStep = (step: Step, kernel: Kernel): boolean => kindOf(step).apply!(step, kernel);

export const isRules = (step: Step): boolean => kindOf(step).rules !== undefined;

export const hasUndo = (step: Step): boolean => kindOf(step).undo !== undefined;

/** Applies steps that are rules, all or none, in one batch, or in none if nothing is missing. Call `finishRules` of each afterwards. */
export function applyRules(steps: readonly Step[], kernel: Kernel): void {
  const messages: Message[] = [];
  for (const step of steps) for (const one of kindOf(step).rules!.missing(step, kernel)) messages.push(one);
  if (messages.length === 0) return;
  try {
    kernel.batch(messages);
  } catch (error) {
    if (!isKernelError(error, errno.EEXIST)) throw error;
    asRead.batchAsRead(kernel, () => steps.flatMap((step) => kindOf(step).rules!.replacing(step, kernel)));
  }
}

/** True for a step whose effect outlives the interface, so that DEL undoes it. */
export const outlivesLink = ({ kind }: AnyStep): boolean => kind in marked || kind in remembered;

/**
 * A step, or its part, that is checked and repaired on the host alone: rules, shared objects, settings, a port. A program
 * there can undo it unseen by the container. Undefined if there is none.
 */
export function hostPart(step: Step): Step | undefined {
  const isOfHost =
    isRules(step) || step.kind in shared || step.kind in hostSettings || ("where" in step && step.where === "host");
  return isOfHost ? step : (kindOf(step).hostPart?.(step) as Step | undefined);
}

/** The same for two steps of which only the later one counts: for equal ones, and where both decide on the same thing. */
export function subjectOf(step: Step): string {
  const decided = kindOf(step).decides?.(step);
  return decided === undefined ? JSON.stringify(step) : `${step.kind} ${decided}`;
}

/** True for a shared step that the DEL of the last attachment undoes. */
export const goesWithLast = ({ kind }: AnyStep): boolean => kind in sharedToTheLast;

/** Where the interface is that the step creates: with an end on the host, or in the container alone. Undefined if it creates none. */
export function linkMadeBy({ kind }: AnyStep): Where | undefined {
  if (kind in hostLinks) return "host";
  return kind in containerLinks ? "container" : undefined;
}

/** Which kinds to look for: all with marks on the host, all interfaces in the container, or those of a list. */
export type Among = Where | readonly Name[];

/** The undos for an owner if the store has no steps of it. */
export function leftoversOf<K extends Owner["kind"]>(among: Among, owner: Owner<K>, hints: Hints = {}): Removal[] {
  const found: Removal[] = [];
  for (const kind of namesOf(among)) {
    const keys = kindOf({ kind }).leftover?.[owner.kind]?.(owner.name, hints) ?? [];
    for (const key of [keys].flat()) found.push({ ...key, kind } as Removal);
  }
  return found;
}

function namesOf(among: Among): readonly Name[] {
  if (among === "host") return Object.keys(marked) as Name[];
  return among === "container" ? (Object.keys(containerLinks) as Name[]) : among;
}

/** Removes an owner's objects that carry marks of attachments whose links are not `kept`. */
export function collect<K extends Owner["kind"]>(owner: Owner<K>, kept: ReadonlySet<string>, kernel: Kernel): void {
  for (const kind of Object.keys(marked) as Name[]) kindOf({ kind }).collect?.[owner.kind]?.(owner.name, kept, kernel);
}

/** The link that the undo deletes, if it does nothing else. */
export const linkDeletedBy = (removal: Removal): string | undefined => kindOf(removal).deletes?.(removal);

export const undoStep = (step: Step | Removal, kernel: Kernel): void => kindOf(step).undo?.(step, kernel);

/** Repairs a step that differs from the kernel. Answers the messages of rules instead of sending them, so that all go into one batch. */
export function repairStep(step: Step, kernel: Kernel): readonly Message[] {
  const kind = kindOf(step);
  if (kind.rules) return kind.rules.replacing(step, kernel);
  if (kind.repair) kind.repair(step, kernel);
  else kind.apply!(step, kernel);
  return [];
}

/** Does the rest of a step after its rules are written. */
export const finishRules = (step: Step, kernel: Kernel): void => kindOf(step).rules?.afterwards?.(step, kernel);

/** An earlier step as a later plugin of the chain left it; undefined if that removed it. */
export function supersede(later: Step, earlier: Step): Step | undefined {
  const kind = kindOf(later);
  return kind.supersede ? (kind.supersede(later, earlier) as Step | undefined) : earlier;
}

/** A step with what a result says about it; undefined if the result lacks it. */
export function asInResult(step: Step, result: Result): Step | undefined {
  const kind = kindOf(step);
  return kind.asInResult ? (kind.asInResult(step, result) as Step | undefined) : step;
}

export const givenBy = (step: Step): Given => kindOf(step).given?.(step) ?? {};

/** False if the interface that the step created does not exist. */
export const isPresent = (step: Step, kernel: Kernel): boolean => kindOf(step).isPresent?.(step, kernel) !== false;

/** False if `repairStep` does not help: the interface is gone, or another plugin made what the step describes. */
export const isRepairable = (step: Step, kernel: Kernel): boolean =>
  !(step.kind in othersOwn) && isPresent(step, kernel);

/** True for an interface that the step created, by the marks that the container has not changed. */
export const isMadeBy = (step: Step, link: Link): boolean => kindOf(step).isMadeBy?.(step, link) === true;

export const checkStep = (step: Step, kernel: Kernel): readonly Difference[] => kindOf(step).check(step, kernel);

export const printStep = (step: Step, context: PrintContext): readonly string[] => kindOf(step).print(step, context);

/** Why the step is there, in one short sentence. */
export const reasonOf = (step: Step): string => kindOf(step).reason(step);
