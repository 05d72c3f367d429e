/** The kinds of step. The mapped type makes a missing or misnamed kind a compile error. */

import type { Kernel } from "../kernel/kernel.ts";
import type { Message } from "../netlink/message.ts";
import { errno, isKernelError } from "../sys/errors.ts";
import { type AddressStep, address } from "./address/address.ts";
import type { SettledStep } from "./address/awaitDad.ts";
import defer * as awaitDad from "./address/awaitDad.ts";
import type { WithdrawnStep } from "./address/removedRoute.ts";
import defer * as removedRoute from "./address/removedRoute.ts";
import { type RouteStep, route } from "./address/route.ts";
import type { RuleKey, RuleStep } from "./address/rule.ts";
import defer * as rule from "./address/rule.ts";
import { type SysctlStep, sysctl } from "./address/sysctl.ts";
import type { AdoptedKey, AdoptedStep } from "./adopted.ts";
import defer * as adopted from "./adopted.ts";
import type { ShapingKey, ShapingStep } from "./bandwidth.ts";
import defer * as bandwidth from "./bandwidth.ts";
import type { ZoneStep } from "./firewalld/zone.ts";
import defer * as zone from "./firewalld/zone.ts";
import type { Difference, Kind } from "./kind.ts";
import { type ForwardingStep, forwarding } from "./link/awaitForwarding.ts";
import { type BridgeStep, bridge } from "./link/bridge.ts";
import { type BridgePortStep, bridgePort } from "./link/bridgePort.ts";
import type { ClosedStep, LocalnetStep } from "./link/closedLoopback.ts";
import defer * as closedLoopback from "./link/closedLoopback.ts";
import type { InsideKey, InsideStep } from "./link/containerLink.ts";
import defer * as containerLink from "./link/containerLink.ts";
import type { DeviceKey, DeviceStep } from "./link/hostDevice.ts";
import defer * as hostDevice from "./link/hostDevice.ts";
import type { MemberStep } from "./link/member.ts";
import defer * as member from "./link/member.ts";
import { type SilentStep, silent } from "./link/noLinkLocal.ts";
import type { PortVlanStep } from "./link/portVlan.ts";
import defer * as portVlan from "./link/portVlan.ts";
import type { TapKey, TapStep } from "./link/tap.ts";
import defer * as tap from "./link/tap.ts";
import type { TunedKey, TunedStep } from "./link/tuning.ts";
import defer * as tuning from "./link/tuning.ts";
import { type UpStep, up } from "./link/up.ts";
import { type VethKey, type VethStep, veth } from "./link/veth.ts";
import type { VlanGatewayStep } from "./link/vlanGateway.ts";
import defer * as vlanGateway from "./link/vlanGateway.ts";
import type { VrfStep } from "./link/vrf.ts";
import defer * as vrf from "./link/vrf.ts";
import defer * as asRead from "./nft/asRead.ts";
import type { AcceptKey, AcceptStep } from "./nft/forwardAccept.ts";
import defer * as forwardAccept from "./nft/forwardAccept.ts";
import type { GuardStep } from "./nft/ingressPolicy.ts";
import defer * as ingressPolicy from "./nft/ingressPolicy.ts";
import type { SpoofCheckKey, SpoofCheckStep } from "./nft/macSpoofCheck.ts";
import defer * as macSpoofCheck from "./nft/macSpoofCheck.ts";
import { type MasqueradeStep, masquerade } from "./nft/masquerade.ts";
import type { PortConditionKey, PortConditionStep } from "./ports/conditions.ts";
import defer * as conditions from "./ports/conditions.ts";
import type { MasqueradeAllKey, MasqueradeAllStep } from "./ports/masqAll.ts";
import defer * as masqAll from "./ports/masqAll.ts";
import defer * as ports from "./ports/ports.ts";
import type { PortsKey, PortsStep } from "./ports/present.ts";

export type Step =
  | AcceptStep
  | AddressStep
  | AdoptedStep
  | BridgeStep
  | BridgePortStep
  | ClosedStep
  | DeviceStep
  | ForwardingStep
  | GuardStep
  | InsideStep
  | LocalnetStep
  | MasqueradeAllStep
  | MasqueradeStep
  | MemberStep
  | PortConditionStep
  | PortsStep
  | PortVlanStep
  | RouteStep
  | RuleStep
  | SettledStep
  | ShapingStep
  | SilentStep
  | SpoofCheckStep
  | SysctlStep
  | TapStep
  | TunedStep
  | UpStep
  | VethStep
  | VlanGatewayStep
  | VrfStep
  | WithdrawnStep
  | ZoneStep;

/** What a step's undo needs: enough of it, and derived from the attachment's name alone. */
export type Removal =
  | ({ readonly kind: "veth" } & VethKey)
  | ({ readonly kind: "accept" } & AcceptKey)
  | ({ readonly kind: "adopted" } & AdoptedKey)
  | ({ readonly kind: "device" } & DeviceKey)
  | ({ readonly kind: "inside" } & InsideKey)
  | ({ readonly kind: "masqueradeAll" } & MasqueradeAllKey)
  | ({ readonly kind: "portCondition" } & PortConditionKey)
  | ({ readonly kind: "ports" } & PortsKey)
  | ({ readonly kind: "rule" } & RuleKey)
  | ({ readonly kind: "shaping" } & ShapingKey)
  | ({ readonly kind: "spoofCheck" } & SpoofCheckKey)
  | ({ readonly kind: "tap" } & TapKey)
  | ({ readonly kind: "tuned" } & TunedKey)
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
export function mendStep(step: Step, kernel: Kernel): readonly Message[] {
  const kind = kindOf(step);
  if (kind.rules) return kind.rules(step, kernel);
  if (kind.mend) kind.mend(step, kernel);
  else kind.apply!(step, kernel);
  return [];
}
/** What is left to do for a step once its rules are written. */
export const settleStep = (step: Step, kernel: Kernel): void => kindOf(step).mend?.(step, kernel);
export const checkStep = (step: Step, kernel: Kernel): readonly Difference[] => kindOf(step).check(step, kernel);
export const printStep = (step: Step, kernel?: Kernel): readonly string[] => kindOf(step).print(step, kernel);
