/** The steps of an attachment as the plugins that came after it in the chain left them: what those did is no fault of theirs. */
import type { Step } from "./step/index.ts";

/** `later` are the steps of those plugins, as the store keeps them. */
export function asLeft(steps: readonly Step[], later: readonly Step[]): Step[] {
  return steps.flatMap((step): Step[] => {
    if (step.kind === "route") return isMoved(step, later) ? [] : [step];
    return step.kind === "bridgePort" ? [{ ...step, isolated: step.isolated || isIsolated(step.link, later) }] : [step];
  });
}

/** sbr and vrf give routes to another table. */
function isMoved({ dst, gw }: Extract<Step, { kind: "route" }>, later: readonly Step[]): boolean {
  return later.some((one) => one.kind === "vrf" || (one.kind === "withdrawn" && one.dst === dst && one.gw === gw));
}

/** firewall does it for a policy. */
function isIsolated(link: string, later: readonly Step[]): boolean {
  return later.some((one) => one.kind === "bridgePort" && one.link === link && one.isolated);
}
