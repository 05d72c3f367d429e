/** Impairs interfaces of a running lab. */
import { openKernel } from "../../kernel/kernel.ts";
import { applyStep, checkStep, undoStep } from "../../step/index.ts";
import { differenceText } from "../../step/kind.ts";
import type { Netns } from "../../sys/netns.ts";
import type { Impairing } from "../file/labFile.ts";
import type { Target } from "../model/impair.ts";
import type { Lab } from "../model/lab.ts";
import { endsOf } from "../model/links.ts";
import { changedSettings, type Ends, impairSteps, type Placed, unimpaired } from "../plan/impair.ts";
import { type Impaired, keyOfTarget } from "../plan/impaired.ts";
import { linkRouteSteps } from "../plan/links.ts";
import { awaitCarrier } from "./carrier.ts";
import { hasNetem } from "./netem.ts";

/** The namespaces and names of both ends of an interface. */
export interface Interface extends Ends {
  readonly ownNetns: Netns;
  readonly otherNetns: Netns;
  /** The pod at the other end of a link. */
  readonly otherPod: string | undefined;
}

interface Applied extends Impaired {
  /** None while the interface does not exist. */
  readonly steps: readonly Placed[];
}

export class Impairments {
  readonly #lab: () => Lab;
  readonly #find: (target: Target) => Interface | undefined;
  readonly #impaired = new Map<string, Applied>();
  #hasNetem: boolean | undefined;

  /** Both are asked each time: the lab changes. */
  constructor(lab: () => Lab, find: (target: Target) => Interface | undefined) {
    this.#lab = lab;
    this.#find = find;
  }

  /** Settings that are not named keep their value. Throws Fault for what this kernel lacks, and then changes nothing. */
  change(targets: readonly Target[], direction: "in" | "out" | "both", values: Impairing): void {
    const changes = targets.map((target) => {
      const { settings } = this.#impaired.get(keyOfTarget(target)) ?? { settings: unimpaired };
      return this.#planned({ target, settings: changedSettings(settings, direction, values) });
    });
    for (const change of changes) this.#replace(change);
  }

  clear(targets: readonly Target[]): void {
    for (const target of targets) this.#replace({ target, settings: unimpaired, steps: [] });
  }

  /** Throws Fault for what this kernel lacks. */
  refuse(values: Impairing): void {
    impairSteps({ own: "", other: "" }, { in: values, out: values }, this.#knowsNetem());
  }

  /** All that is set now. */
  all(): Impaired[] {
    return [...this.#impaired.values()].map(({ target, settings }) => ({ target, settings }));
  }

  /** Frees interfaces that are about to be taken down; what is set there is remembered. */
  lift(isMeant: (target: Target) => boolean): void {
    for (const [key, { target, settings, steps }] of this.#impaired) {
      if (!isMeant(target)) continue;
      for (const { end, step } of steps) {
        using kernel = openKernel({ host: this.#netnsOf(target, end) });
        undoStep(step, kernel);
      }
      this.#impaired.set(key, { target, settings, steps: [] });
    }
  }

  /** Sets exactly this, and nothing at other interfaces, among them those that do not exist any more. */
  setAll(wanted: readonly Impaired[]): void {
    const keys = new Set(wanted.map(({ target }) => keyOfTarget(target)));
    for (const [key, { target, steps }] of [...this.#impaired]) {
      if (keys.has(key)) continue;
      if (steps.length > 0) this.clear([target]);
      else this.#impaired.delete(key); // its interface is gone
    }
    for (const one of wanted) this.#replace(this.#planned(one));
  }

  /** True if nothing passes the interface: it is down, or the other end of its link is. */
  isDown({ pod, ifname }: Target): boolean {
    const link = this.#lab().links.find(({ ends }) => ends.some((one) => one.pod === pod && one.name === ifname));
    const all = link ? link.ends.map((one) => ({ pod: one.pod, ifname: one.name })) : [{ pod, ifname }];
    return all.some((one) => {
      const { settings } = this.#impaired.get(keyOfTarget(one)) ?? {};
      return settings?.in.down === true || settings?.out.down === true;
    });
  }

  /** A sentence for each difference. */
  check(): string[] {
    return [...this.#impaired.values()].flatMap(({ target, steps }) =>
      steps.flatMap(({ end, step }) => {
        using kernel = openKernel({ host: this.#netnsOf(target, end) });
        return checkStep(step, kernel).map((one) => `${target.pod}: ${differenceText(one)}`);
      }),
    );
  }

  #planned({ target, settings }: Impaired): Applied {
    return { target, settings, steps: impairSteps(this.#find(target)!, settings, this.#knowsNetem()) };
  }

  #replace({ target, settings, steps }: Applied): void {
    const key = keyOfTarget(target);
    const wasDown = this.isDown(target);
    const before = this.#impaired.get(key)?.steps ?? [];
    for (const { end, step } of before.filter((one) => !steps.some((other) => Bun.deepEquals(one, other)))) {
      using kernel = openKernel({ host: this.#netnsOf(target, end) });
      undoStep(step, kernel);
      this.#restoreRoutes(target);
    }
    for (const { end, step } of steps.filter((one) => !before.some((other) => Bun.deepEquals(one, other)))) {
      using kernel = openKernel({ host: this.#netnsOf(target, end) });
      applyStep(step, kernel);
    }
    if (steps.length > 0) this.#impaired.set(key, { target, settings, steps });
    else this.#impaired.delete(key);
    if (wasDown && !this.isDown(target)) this.#awaitCarrier(target);
  }

  /** At both ends: until then, packets are lost. */
  #awaitCarrier(target: Target): void {
    const { own, other, ownNetns, otherNetns } = this.#find(target)!;
    awaitCarrier(otherNetns, other);
    awaitCarrier(ownNetns, own);
  }

  #netnsOf(target: Target, end: Placed["end"]): Netns {
    const { ownNetns, otherNetns } = this.#find(target)!;
    return end === "own" ? ownNetns : otherNetns;
  }

  /** A link that was down lost the routes through it at that end. */
  #restoreRoutes(target: Target): void {
    const { other, otherPod, otherNetns } = this.#find(target)!;
    const { pods, links } = this.#lab();
    const pod = pods.find(({ name }) => name === otherPod);
    if (pod === undefined) return;
    const ends = endsOf(links, pod.name).filter(({ name }) => name === other);
    using kernel = openKernel({ host: otherNetns });
    for (const step of linkRouteSteps(ends, pod, "host")) applyStep(step, kernel);
  }

  /** Asked of the kernel once, in the supervisor's own namespace. */
  #knowsNetem(): boolean {
    this.#hasNetem ??= hasNetem();
    return this.#hasNetem;
  }
}
