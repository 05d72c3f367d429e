/** The kinds of step. The mapped type makes a missing or misnamed kind a compile error. */

import type { Kernel } from "../kernel/kernel.ts";
import type { Message } from "../netlink/message.ts";
import { errno, isKernelError } from "../sys/errors.ts";
import { type AddressStep, address } from "./address/address.ts";
import type { SettledStep } from "./address/awaitDad.ts";
import type { WithdrawnStep } from "./address/removedRoute.ts";
import { type RouteStep, route } from "./address/route.ts";
import type { RuleKey, RuleStep } from "./address/rule.ts";
import { type SysctlStep, sysctl } from "./address/sysctl.ts";
import type { AdoptedKey, AdoptedStep } from "./adopted.ts";
import type { ShapingKey, ShapingStep } from "./bandwidth.ts";
import type { ZoneStep } from "./firewalld/zone.ts";
import type { Difference, Kind } from "./kind.ts";
import { type ForwardingStep, forwarding } from "./link/awaitForwarding.ts";
import { type BridgeStep, bridge } from "./link/bridge.ts";
import { type BridgePortStep, bridgePort } from "./link/bridgePort.ts";
import type { ClosedStep, LocalnetStep } from "./link/closedLoopback.ts";
import type { InsideKey, InsideStep } from "./link/containerLink.ts";
import type { DeviceKey, DeviceStep } from "./link/hostDevice.ts";
import type { MemberStep } from "./link/member.ts";
import { type SilentStep, silent } from "./link/noLinkLocal.ts";
import type { PortVlanStep } from "./link/portVlan.ts";
import type { TapKey, TapStep } from "./link/tap.ts";
import type { TunedKey, TunedStep } from "./link/tuning.ts";
import { type UpStep, up } from "./link/up.ts";
import { type VethKey, type VethStep, veth } from "./link/veth.ts";
import type { VlanGatewayStep } from "./link/vlanGateway.ts";
import type { VrfStep } from "./link/vrf.ts";
import type { AcceptKey, AcceptStep } from "./nft/forwardAccept.ts";
import type { GuardStep } from "./nft/ingressPolicy.ts";
import type { SpoofCheckKey, SpoofCheckStep } from "./nft/macSpoofCheck.ts";
import { type MasqueradeStep, masquerade } from "./nft/masquerade.ts";
import type { PortConditionKey, PortConditionStep } from "./ports/conditions.ts";
import type { MasqueradeAllKey, MasqueradeAllStep } from "./ports/masqAll.ts";
import type { PortsKey, PortsStep } from "./ports/ports.ts";

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
    return (require("./nft/forwardAccept.ts") as typeof import("./nft/forwardAccept.ts")).accept;
  },
  address,
  get adopted() {
    return (require("./adopted.ts") as typeof import("./adopted.ts")).adopted;
  },
  bridge,
  bridgePort,
  get closed() {
    return (require("./link/closedLoopback.ts") as typeof import("./link/closedLoopback.ts")).closed;
  },
  get device() {
    return (require("./link/hostDevice.ts") as typeof import("./link/hostDevice.ts")).device;
  },
  forwarding,
  get guard() {
    return (require("./nft/ingressPolicy.ts") as typeof import("./nft/ingressPolicy.ts")).guard;
  },
  get inside() {
    return (require("./link/containerLink.ts") as typeof import("./link/containerLink.ts")).inside;
  },
  get localnet() {
    return (require("./link/closedLoopback.ts") as typeof import("./link/closedLoopback.ts")).localnet;
  },
  masquerade,
  get member() {
    return (require("./link/member.ts") as typeof import("./link/member.ts")).member;
  },
  get masqueradeAll() {
    return (require("./ports/masqAll.ts") as typeof import("./ports/masqAll.ts")).masqueradeAll;
  },
  get portCondition() {
    return (require("./ports/conditions.ts") as typeof import("./ports/conditions.ts")).portCondition;
  },
  get ports() {
    return (require("./ports/ports.ts") as typeof import("./ports/ports.ts")).ports;
  },
  get portVlan() {
    return (require("./link/portVlan.ts") as typeof import("./link/portVlan.ts")).portVlan;
  },
  route,
  get rule() {
    return (require("./address/rule.ts") as typeof import("./address/rule.ts")).rule;
  },
  get settled() {
    return (require("./address/awaitDad.ts") as typeof import("./address/awaitDad.ts")).settled;
  },
  get shaping() {
    return (require("./bandwidth.ts") as typeof import("./bandwidth.ts")).shaping;
  },
  silent,
  get spoofCheck() {
    return (require("./nft/macSpoofCheck.ts") as typeof import("./nft/macSpoofCheck.ts")).spoofCheck;
  },
  sysctl,
  get tap() {
    return (require("./link/tap.ts") as typeof import("./link/tap.ts")).tap;
  },
  get tuned() {
    return (require("./link/tuning.ts") as typeof import("./link/tuning.ts")).tuned;
  },
  up,
  veth,
  get vlanGateway() {
    return (require("./link/vlanGateway.ts") as typeof import("./link/vlanGateway.ts")).vlanGateway;
  },
  get vrf() {
    return (require("./link/vrf.ts") as typeof import("./link/vrf.ts")).vrf;
  },
  get withdrawn() {
    return (require("./address/removedRoute.ts") as typeof import("./address/removedRoute.ts")).withdrawn;
  },
  get zone() {
    return (require("./firewalld/zone.ts") as typeof import("./firewalld/zone.ts")).zone;
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
    const { batchAsRead } = require("./nft/asRead.ts") as typeof import("./nft/asRead.ts");
    batchAsRead(kernel, () => steps.flatMap((step) => kindOf(step).rules!(step, kernel)));
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
