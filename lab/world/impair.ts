/** Impairs interfaces of a running lab. */
import { openKernel } from "../../kernel/kernel.ts";
import { deleteNetem, replaceNetem } from "../../netlink/route/netem.ts";
import { applyStep, checkStep, undoStep } from "../../step/index.ts";
import { differenceText } from "../../step/kind.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import type { Netns } from "../../sys/netns.ts";
import type { Impairing } from "../file/labFile.ts";
import type { Target } from "../model/impair.ts";
import type { Lab } from "../model/lab.ts";
import { endsOf } from "../model/links.ts";
import { type Ends, impairSteps, type Placed, type Settings } from "../plan/impair.ts";
import { linkRouteSteps } from "../plan/links.ts";

/** The namespaces and names of both ends of an interface. */
export interface Interface extends Ends {
  readonly ownNetns: Netns;
  readonly otherNetns: Netns;
  /** The pod at the other end of a link. */
  readonly otherPod: string | undefined;
}

interface Impaired {
  readonly settings: Settings;
  readonly steps: readonly Placed[];
}

export class Impairments {
  readonly #lab: Lab;
  readonly #find: (target: Target) => Interface;
  readonly #impaired = new Map<string, Impaired & { readonly target: Target }>();
  #hasNetem: boolean | undefined;

  constructor(lab: Lab, find: (target: Target) => Interface) {
    this.#lab = lab;
    this.#find = find;
  }

  /** Settings that are not named keep their value. Throws Fault for what this kernel lacks, and then changes nothing. */
  change(targets: readonly Target[], direction: "in" | "out" | "both", values: Impairing): void {
    const changes = targets.map((target) => {
      const { settings = { in: {}, out: {} } } = this.#impaired.get(keyOf(target)) ?? {};
      const changed = (side: "in" | "out") =>
        direction === side || direction === "both" ? { ...settings[side], ...values } : settings[side];
      const wanted = { in: changed("in"), out: changed("out") };
      return { target, settings: wanted, steps: impairSteps(this.#find(target), wanted, this.#knowsNetem()) };
    });
    for (const change of changes) this.#replace(change);
  }

  clear(targets: readonly Target[]): void {
    for (const target of targets) this.#replace({ target, settings: { in: {}, out: {} }, steps: [] });
  }

  /** True if nothing passes the interface: it is down, or the other end of its link is. */
  isDown({ pod, ifname }: Target): boolean {
    const link = this.#lab.links.find(({ ends }) => ends.some((one) => one.pod === pod && one.name === ifname));
    const all = link ? link.ends.map((one) => ({ pod: one.pod, ifname: one.name })) : [{ pod, ifname }];
    return all.some((one) => {
      const { settings } = this.#impaired.get(keyOf(one)) ?? {};
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

  #replace({ target, settings, steps }: Impaired & { readonly target: Target }): void {
    const key = keyOf(target);
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
  }

  #netnsOf(target: Target, end: Placed["end"]): Netns {
    const { ownNetns, otherNetns } = this.#find(target);
    return end === "own" ? ownNetns : otherNetns;
  }

  /** A link that was down lost the routes through it at that end. */
  #restoreRoutes(target: Target): void {
    const { otherPod, otherNetns } = this.#find(target);
    const pod = this.#lab.pods.find(({ name }) => name === otherPod);
    if (pod === undefined) return;
    using kernel = openKernel({ host: otherNetns });
    for (const step of linkRouteSteps(endsOf(this.#lab.links, pod.name), pod, "host")) applyStep(step, kernel);
  }

  /** Asked of the kernel once, at the loopback interface of the lab's host, where it changes nothing. */
  #knowsNetem(): boolean {
    if (this.#hasNetem !== undefined) return this.#hasNetem;
    using kernel = openKernel();
    const index = kernel.indexOf("host", "lo");
    const answer = tolerating(() => kernel.request("host", replaceNetem(index, "lo", {})), errno.ENOENT);
    this.#hasNetem = answer !== undefined;
    if (this.#hasNetem) kernel.request("host", deleteNetem(index, "lo"));
    return this.#hasNetem;
  }
}

const keyOf = ({ pod, ifname }: Target) => `${pod} ${ifname}`;
