/** The steps of an attachment as the plugins that came after it in the chain left them: what those did is no fault of theirs. */

import type { Tunables } from "../conf/config/config.ts";
import { formatAddress, formatCidr, networkOf, parseAddress, parseCidr } from "../ip/address.ts";
import type { Step } from "./index.ts";

/** All that was done, in the order of the plugins that did it, each as those after it left it. */
export function allExpected(inOrder: readonly (readonly Step[])[]): Step[] {
  return inOrder.flatMap((steps, i) => expectedAfter(steps, inOrder.slice(i + 1).flat()));
}

/** `later` are the steps of those plugins, as the store keeps them. */
export function expectedAfter(steps: readonly Step[], later: readonly Step[]): Step[] {
  let left = [...steps];
  for (const one of later) left = left.flatMap((step) => after(one, step));
  return left;
}

function after(later: Step, step: Step): Step[] {
  switch (later.kind) {
    case "tuned": {
      if (step.kind === "tuned")
        return step.link === later.link ? [{ ...step, to: without(step.to, later.to) }] : [step];
      const { mac, mtu: innerMtu } = later.to;
      const isIt = "ifname" in step && step.ifname === later.link;
      return isIt ? [{ ...step, ...(mac && { mac }), ...(innerMtu && { innerMtu }) } as Step] : [step];
    }
    case "sysctl":
      return step.kind === "sysctl" && step.where === later.where && step.path === later.path ? [] : [step];
    // sbr and vrf give routes to another table.
    case "withdrawn":
      if (step.kind === "address" && isSubnetOf(step, later)) return [{ ...step, subnetElsewhere: true }];
      return step.kind === "route" && isSameRoute(step, later) ? [] : [step];
    case "vrf":
      return step.kind === "route" ? [] : [step];
    // firewall isolates for a policy.
    case "bridgePort": {
      const isIt = step.kind === "bridgePort" && step.link === later.link;
      return isIt ? [{ ...step, isolated: step.isolated || later.isolated }] : [step];
    }
    default:
      return [step];
  }
}

/** What another one changed is its to answer for. */
function without(to: Tunables, changed: Tunables): Tunables {
  return Object.fromEntries(Object.entries(to).filter(([name]) => !(name in changed)));
}

interface To {
  readonly link: string;
  readonly dst: string;
  readonly gw?: string;
}

function isSubnetOf({ link, address }: { readonly link: string; readonly address: string }, to: To): boolean {
  return isSameRoute({ link, dst: formatCidr(networkOf(parseCidr(address)!)) }, to);
}

function isSameRoute(a: To, b: To): boolean {
  return a.link === b.link && textOf(a) === textOf(b);
}

function textOf({ dst, gw }: To): string {
  return `${formatCidr(parseCidr(dst)!)} ${gw === undefined ? "" : formatAddress(parseAddress(gw)!)}`;
}
