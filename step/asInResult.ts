/** Steps with what a result says about them. Loaded only by CHECK. */

import type { Result, ResultInterface } from "../conf/result/result.ts";
import { unknownMtu } from "./kind.ts";

interface LinkStep {
  readonly ifname: string;
  readonly mac: string;
  readonly innerMtu?: number;
}

/** The step that makes the container's interface, with the hardware address and the MTU of the result. */
export function linkAsIn<Step extends LinkStep>(step: Step, { interfaces }: Result): Step {
  const inner = innerOf(step.ifname, interfaces);
  if (!inner) return step;
  const { mac, mtu: innerMtu = unknownMtu } = inner;
  return { ...step, innerMtu, mac: mac?.toLowerCase() || step.mac };
}

/** The container's interface of that name. */
export function innerOf(ifname: string, interfaces: readonly ResultInterface[]): ResultInterface | undefined {
  return interfaces.find(({ name, sandbox }) => name === ifname && sandbox !== undefined);
}
