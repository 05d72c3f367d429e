/** The steps of an attachment as the plugins that came after it in the chain left them: what those did is no fault of theirs. */
import { formatAddress, formatCidr, parseAddress, parseCidr } from "../conf/address.ts";
import type { Step } from "./step/index.ts";

/** `later` are the steps of those plugins, as the store keeps them. */
export function asLeft(steps: readonly Step[], later: readonly Step[]): Step[] {
  let left = [...steps];
  for (const one of later) left = left.flatMap((step) => after(one, step));
  return left;
}

function after(later: Step, step: Step): Step[] {
  switch (later.kind) {
    case "tuned": {
      const { mac, mtu: innerMtu } = later.to;
      const isIt = "ifname" in step && step.ifname === later.link;
      return isIt ? [{ ...step, ...(mac && { mac }), ...(innerMtu && { innerMtu }) } as Step] : [step];
    }
    case "sysctl":
      return step.kind === "sysctl" && step.where === later.where && step.path === later.path ? [] : [step];
    // sbr and vrf give routes to another table.
    case "withdrawn":
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

interface To {
  readonly link: string;
  readonly dst: string;
  readonly gw?: string;
}

function isSameRoute(a: To, b: To): boolean {
  return a.link === b.link && textOf(a) === textOf(b);
}

function textOf({ dst, gw }: To): string {
  return `${formatCidr(parseCidr(dst)!)} ${gw === undefined ? "" : formatAddress(parseAddress(gw)!)}`;
}
