/** The kinds of step. The mapped type makes a missing or misnamed kind a compile error. */
import { errno, isKernelError } from "../../netlink/errors.ts";
import type { Message } from "../../netlink/message.ts";
import type { Kernel } from "../kernel.ts";
import type { AcceptKey, AcceptStep } from "./accept.ts";
import { type AddressStep, address } from "./address.ts";
import type { AdoptedKey, AdoptedStep } from "./adopted.ts";
import { type BridgeStep, bridge } from "./bridge.ts";
import { type BridgePortStep, bridgePort } from "./bridgePort.ts";
import type { ClosedStep, LocalnetStep } from "./closed.ts";
import type { DeviceKey, DeviceStep } from "./device.ts";
import { type ForwardingStep, forwarding } from "./forwarding.ts";
import type { GuardStep } from "./guard.ts";
import type { InsideKey, InsideStep } from "./inside.ts";
import { type MasqueradeStep, masquerade } from "./masquerade.ts";
import type { MasqueradeAllKey, MasqueradeAllStep } from "./masqueradeAll.ts";
import type { MemberStep } from "./member.ts";
import type { PortConditionKey, PortConditionStep } from "./portCondition.ts";
import type { PortsKey, PortsStep } from "./ports.ts";
import type { PortVlanStep } from "./portVlan.ts";
import { type RouteStep, route } from "./route.ts";
import type { RuleKey, RuleStep } from "./rule.ts";
import type { SettledStep } from "./settled.ts";
import type { ShapingKey, ShapingStep } from "./shaping.ts";
import { type SilentStep, silent } from "./silent.ts";
import type { SpoofCheckKey, SpoofCheckStep } from "./spoofCheck.ts";
import type { Difference, Kind } from "./step.ts";
import { type SysctlStep, sysctl } from "./sysctl.ts";
import type { TapKey, TapStep } from "./tap.ts";
import type { TunedKey, TunedStep } from "./tuned.ts";
import { type UpStep, up } from "./up.ts";
import { type VethKey, type VethStep, veth } from "./veth.ts";
import type { VlanGatewayStep } from "./vlanGateway.ts";
import type { VrfStep } from "./vrf.ts";
import type { WithdrawnStep } from "./withdrawn.ts";
import type { ZoneStep } from "./zone.ts";

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
    return (require("./accept.ts") as typeof import("./accept.ts")).accept;
  },
  address,
  get adopted() {
    return (require("./adopted.ts") as typeof import("./adopted.ts")).adopted;
  },
  bridge,
  bridgePort,
  get closed() {
    return (require("./closed.ts") as typeof import("./closed.ts")).closed;
  },
  get device() {
    return (require("./device.ts") as typeof import("./device.ts")).device;
  },
  forwarding,
  get guard() {
    return (require("./guard.ts") as typeof import("./guard.ts")).guard;
  },
  get inside() {
    return (require("./inside.ts") as typeof import("./inside.ts")).inside;
  },
  get localnet() {
    return (require("./closed.ts") as typeof import("./closed.ts")).localnet;
  },
  masquerade,
  get member() {
    return (require("./member.ts") as typeof import("./member.ts")).member;
  },
  get masqueradeAll() {
    return (require("./masqueradeAll.ts") as typeof import("./masqueradeAll.ts")).masqueradeAll;
  },
  get portCondition() {
    return (require("./portCondition.ts") as typeof import("./portCondition.ts")).portCondition;
  },
  get ports() {
    return (require("./ports.ts") as typeof import("./ports.ts")).ports;
  },
  get portVlan() {
    return (require("./portVlan.ts") as typeof import("./portVlan.ts")).portVlan;
  },
  route,
  get rule() {
    return (require("./rule.ts") as typeof import("./rule.ts")).rule;
  },
  get settled() {
    return (require("./settled.ts") as typeof import("./settled.ts")).settled;
  },
  get shaping() {
    return (require("./shaping.ts") as typeof import("./shaping.ts")).shaping;
  },
  silent,
  get spoofCheck() {
    return (require("./spoofCheck.ts") as typeof import("./spoofCheck.ts")).spoofCheck;
  },
  sysctl,
  get tap() {
    return (require("./tap.ts") as typeof import("./tap.ts")).tap;
  },
  get tuned() {
    return (require("./tuned.ts") as typeof import("./tuned.ts")).tuned;
  },
  up,
  veth,
  get vlanGateway() {
    return (require("./vlanGateway.ts") as typeof import("./vlanGateway.ts")).vlanGateway;
  },
  get vrf() {
    return (require("./vrf.ts") as typeof import("./vrf.ts")).vrf;
  },
  get withdrawn() {
    return (require("./withdrawn.ts") as typeof import("./withdrawn.ts")).withdrawn;
  },
  get zone() {
    return (require("./zone.ts") as typeof import("./zone.ts")).zone;
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
    const { batchAsRead } = require("./asRead.ts") as typeof import("./asRead.ts");
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
