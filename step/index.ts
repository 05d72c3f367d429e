/** The kinds of step. The mapped type makes a missing or misnamed kind a compile error. */

import type { Kernel } from "../kernel/kernel.ts";
import type { Message } from "../netlink/message.ts";
import { errno, isKernelError } from "../sys/errors.ts";
import { type AddressStep, address } from "./address/address.ts";
import type { AwaitDadStep } from "./address/awaitDad.ts";
import defer * as awaitDad from "./address/awaitDad.ts";
import type { RemovedRouteStep } from "./address/removedRoute.ts";
import defer * as removedRoute from "./address/removedRoute.ts";
import { type RouteStep, route } from "./address/route.ts";
import type { RuleKey, RuleStep } from "./address/rule.ts";
import defer * as rule from "./address/rule.ts";
import { type SysctlStep, sysctl } from "./address/sysctl.ts";
import type { AdoptedKey, AdoptedStep } from "./adopted.ts";
import defer * as adopted from "./adopted.ts";
import type { BandwidthKey, BandwidthStep } from "./bandwidth.ts";
import defer * as bandwidth from "./bandwidth.ts";
import type { ZoneStep } from "./firewalld/zone.ts";
import defer * as zone from "./firewalld/zone.ts";
import type { Difference, Kind } from "./kind.ts";
import { type AwaitForwardingStep, forwarding } from "./link/awaitForwarding.ts";
import { type BridgeStep, bridge } from "./link/bridge.ts";
import { type BridgePortStep, bridgePort } from "./link/bridgePort.ts";
import type { ClosedStep, LocalnetStep } from "./link/closedLoopback.ts";
import defer * as closedLoopback from "./link/closedLoopback.ts";
import type { ContainerLinkKey, ContainerLinkStep } from "./link/containerLink.ts";
import defer * as containerLink from "./link/containerLink.ts";
import type { HostDeviceKey, HostDeviceStep } from "./link/hostDevice.ts";
import defer * as hostDevice from "./link/hostDevice.ts";
import type { MemberStep } from "./link/member.ts";
import defer * as member from "./link/member.ts";
import { type NoLinkLocalStep, silent } from "./link/noLinkLocal.ts";
import type { PortVlanStep } from "./link/portVlan.ts";
import defer * as portVlan from "./link/portVlan.ts";
import type { TapKey, TapStep } from "./link/tap.ts";
import defer * as tap from "./link/tap.ts";
import type { TuningKey, TuningStep } from "./link/tuning.ts";
import defer * as tuning from "./link/tuning.ts";
import { type UpStep, up } from "./link/up.ts";
import { type VethKey, type VethStep, veth } from "./link/veth.ts";
import type { VlanGatewayStep } from "./link/vlanGateway.ts";
import defer * as vlanGateway from "./link/vlanGateway.ts";
import type { VrfStep } from "./link/vrf.ts";
import defer * as vrf from "./link/vrf.ts";
import defer * as asRead from "./nft/asRead.ts";
import type { ForwardAcceptKey, ForwardAcceptStep } from "./nft/forwardAccept.ts";
import defer * as forwardAccept from "./nft/forwardAccept.ts";
import type { IngressPolicyStep } from "./nft/ingressPolicy.ts";
import defer * as ingressPolicy from "./nft/ingressPolicy.ts";
import type { MacSpoofCheckKey, MacSpoofCheckStep } from "./nft/macSpoofCheck.ts";
import defer * as macSpoofCheck from "./nft/macSpoofCheck.ts";
import { type MasqueradeStep, masquerade } from "./nft/masquerade.ts";
import type { PortConditionKey, PortConditionStep } from "./ports/conditions.ts";
import defer * as conditions from "./ports/conditions.ts";
import type { MasqueradeAllKey, MasqueradeAllStep } from "./ports/masqAll.ts";
import defer * as masqAll from "./ports/masqAll.ts";
import defer * as ports from "./ports/ports.ts";
import type { PortsKey, PortsStep } from "./ports/present.ts";

export type Step =
  | ForwardAcceptStep
  | AddressStep
  | AdoptedStep
  | BridgeStep
  | BridgePortStep
  | ClosedStep
  | HostDeviceStep
  | AwaitForwardingStep
  | IngressPolicyStep
  | ContainerLinkStep
  | LocalnetStep
  | MasqueradeAllStep
  | MasqueradeStep
  | MemberStep
  | PortConditionStep
  | PortsStep
  | PortVlanStep
  | RouteStep
  | RuleStep
  | AwaitDadStep
  | BandwidthStep
  | NoLinkLocalStep
  | MacSpoofCheckStep
  | SysctlStep
  | TapStep
  | TuningStep
  | UpStep
  | VethStep
  | VlanGatewayStep
  | VrfStep
  | RemovedRouteStep
  | ZoneStep;

/** What a step's undo needs: enough of it, and derived from the attachment's name alone. */
export type Removal =
  | ({ readonly kind: "veth" } & VethKey)
  | ({ readonly kind: "accept" } & ForwardAcceptKey)
  | ({ readonly kind: "adopted" } & AdoptedKey)
  | ({ readonly kind: "device" } & HostDeviceKey)
  | ({ readonly kind: "inside" } & ContainerLinkKey)
  | ({ readonly kind: "masqueradeAll" } & MasqueradeAllKey)
  | ({ readonly kind: "portCondition" } & PortConditionKey)
  | ({ readonly kind: "ports" } & PortsKey)
  | ({ readonly kind: "rule" } & RuleKey)
  | ({ readonly kind: "shaping" } & BandwidthKey)
  | ({ readonly kind: "spoofCheck" } & MacSpoofCheckKey)
  | ({ readonly kind: "tap" } & TapKey)
  | ({ readonly kind: "tuned" } & TuningKey)
  | ZoneStep;

type Kinds = { readonly [K in Step["kind"]]: Kind<Extract<Step, { kind: K }>, never> };

const kinds: Kinds = {
  // What few attachments have is loaded for those.
  get accept() {
    return forwardAccept.accept;
  },
  address,
  get adopted() {
    return adopted.adopted;
  },
  bridge,
  bridgePort,
  get closed() {
    return closedLoopback.closed;
  },
  get device() {
    return hostDevice.device;
  },
  forwarding,
  get guard() {
    return ingressPolicy.guard;
  },
  get inside() {
    return containerLink.inside;
  },
  get localnet() {
    return closedLoopback.localnet;
  },
  masquerade,
  get member() {
    return member.member;
  },
  get masqueradeAll() {
    return masqAll.masqueradeAll;
  },
  get portCondition() {
    return conditions.portCondition;
  },
  get ports() {
    return ports.ports;
  },
  get portVlan() {
    return portVlan.portVlan;
  },
  route,
  get rule() {
    return rule.rule;
  },
  get settled() {
    return awaitDad.settled;
  },
  get shaping() {
    return bandwidth.shaping;
  },
  silent,
  get spoofCheck() {
    return macSpoofCheck.spoofCheck;
  },
  sysctl,
  get tap() {
    return tap.tap;
  },
  get tuned() {
    return tuning.tuned;
  },
  up,
  veth,
  get vlanGateway() {
    return vlanGateway.vlanGateway;
  },
  get vrf() {
    return vrf.vrf;
  },
  get withdrawn() {
    return removedRoute.withdrawn;
  },
  get zone() {
    return zone.zone;
  },
} satisfies {
  readonly [K in Step["kind"]]: Kind<
    Extract<Step, { kind: K }>,
    K extends Removal["kind"] ? Extract<Removal, { kind: K }> : Extract<Step, { kind: K }>
  >;
};

// A step and its kind belong together by `kind`; the compiler cannot follow that through a lookup.
const kindOf = (step: { readonly kind: Step["kind"] }) => kinds[step.kind] as unknown as Kind<typeof step>;

/** True when this call made something that `undoStep` removes. */
export const applyStep = (step: Step, kernel: Kernel): boolean => kindOf(step).apply!(step, kernel);
export const isRules = (step: Step): boolean => kindOf(step).pending !== undefined;
export const hasUndo = (step: Step): boolean => kindOf(step).undo !== undefined;

/** Applies steps that are rules, all or none, in one batch; no batch when all of them stand. Then they are to be settled. */
export function applyRules(steps: readonly Step[], kernel: Kernel): void {
  const messages: Message[] = [];
  for (const step of steps) for (const one of kindOf(step).pending!(step, kernel)) messages.push(one);
  if (messages.length === 0) return;
  try {
    kernel.batch(messages);
  } catch (error) {
    if (!isKernelError(error, errno.EEXIST)) throw error;
    asRead.batchAsRead(kernel, () => steps.flatMap((step) => kindOf(step).rules!(step, kernel)));
  }
}
export const undoStep = (step: Step | Removal, kernel: Kernel): void => kindOf(step).undo?.(step, kernel);
/** Puts a step right that differs from the kernel; rules are answered, not written, so that all go in one batch. */
export function repairStep(step: Step, kernel: Kernel): readonly Message[] {
  const kind = kindOf(step);
  if (kind.rules) return kind.rules(step, kernel);
  if (kind.mend) kind.mend(step, kernel);
  else kind.apply!(step, kernel);
  return [];
}
/** What is left to do for a step once its rules are written. */
export const completeStep = (step: Step, kernel: Kernel): void => kindOf(step).mend?.(step, kernel);
/** An earlier step as a later plugin of the chain left it; undefined where that took it away. */
export function supersede(later: Step, earlier: Step): Step | undefined {
  const kind = kindOf(later);
  return kind.supersede ? (kind.supersede(later, earlier) as Step | undefined) : earlier;
}
export const checkStep = (step: Step, kernel: Kernel): readonly Difference[] => kindOf(step).check(step, kernel);
export const printStep = (step: Step, kernel?: Kernel): readonly string[] => kindOf(step).print(step, kernel);
