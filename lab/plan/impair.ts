/** The steps of an impairment of one interface. Pure. */

import { code, Fault } from "../../conf/fault.ts";
import { burstOf } from "../../conf/rate.ts";
import type { Step } from "../../step/index.ts";
import type { Impairing } from "../file/labFile.ts";

/** Where a step works: in the pod, or at the other end of its interface. */
export interface Placed {
  readonly end: "own" | "other";
  readonly step: Step;
}

/** The names of both ends of an interface, each in its own namespace. */
export interface Ends {
  readonly own: string;
  readonly other: string;
}

/** By direction, from the pod's point of view. */
export interface Settings {
  readonly in: Impairing;
  readonly out: Impairing;
}

export const unimpaired: Settings = { in: {}, out: {} };

/** Settings that are not named keep their value. */
export function changedSettings(settings: Settings, direction: "in" | "out" | "both", values: Impairing): Settings {
  const changed = (side: "in" | "out") =>
    direction === side || direction === "both" ? { ...settings[side], ...values } : settings[side];
  return { in: changed("in"), out: changed("out") };
}

const needNetem = ["delay", "jitter", "duplicate", "reorder", "corrupt"] as const;

/**
 * The kernel impairs what leaves a link, so `in` is at the other end. Without netem, tbf limits the rate and a rule loses
 * packets. Throws Fault for what this kernel cannot do.
 */
export function impairSteps(ends: Ends, settings: Settings, hasNetem: boolean): Placed[] {
  const isDown = settings.in.down || settings.out.down;
  return [
    ...(["in", "out"] as const).flatMap((direction) => directed(ends, direction, settings[direction], hasNetem)),
    // The pod's own end would lose its routes.
    ...(isDown ? [{ end: "other", step: { kind: "down", link: ends.other } } as const] : []),
  ];
}

function directed(ends: Ends, direction: "in" | "out", values: Impairing, hasNetem: boolean): Placed[] {
  const { rate, loss } = values;
  const end = direction === "in" ? "other" : "own";
  const link = ends[end];
  const missing = needingNetem(values);
  if (missing.length > 0 && !hasNetem) throw withoutNetem(missing);
  if (hasNetem) {
    const { delay, jitter, duplicate, reorder, corrupt } = values;
    if (![rate, loss, delay, duplicate, corrupt].some(Boolean)) return [];
    const ns = (ms: number | undefined) => (ms === undefined ? undefined : Math.round(ms * 1e6));
    return [
      {
        end,
        step: {
          ...{ kind: "netem", link, bytesPerSecond: rate && Math.floor(rate / 8) },
          ...{ delayNs: ns(delay), jitterNs: ns(jitter), loss, duplicate, reorder, corrupt },
        },
      },
    ];
  }
  return [
    ...(rate ? [{ end, step: { kind: "tokenBucket", link, limit: { rate, burst: burstOf(rate) } } } as const] : []),
    ...(loss ? [{ end: "own", step: { kind: "packetLoss", link: ends.own, direction, loss } } as const] : []),
  ];
}

/** The settings that only netem can do. */
export const needingNetem = (values: Impairing): readonly string[] => needNetem.filter((name) => values[name]);

export function withoutNetem(names: readonly string[]): Fault {
  return new Fault(
    code.unavailable,
    `This kernel has no netem (CONFIG_NET_SCH_NETEM), which ${names.join(" and ")} need${names.length === 1 ? "s" : ""}`,
    "Use rate, loss or down, or load the module: sudo modprobe sch_netem",
  );
}
