/**
 * Changes of a running lab, in its supervisor, one at a time. `apply` is all or nothing: until the command says that it has
 * named the namespaces, everything is undone after a failure, an interruption, and the end of the command.
 */
import { code, Fault } from "../../conf/fault.ts";
import { faultOf } from "../../plugin/faults.ts";
import { withJoining } from "../plan/differences.ts";
import { change } from "../world/change.ts";
import { stopPods } from "../world/pods/stopPods.ts";
import type { World } from "../world/world.ts";
import type { ApplyRequest, Refusal, Report } from "./answers.ts";
import { inspected } from "./describe.ts";
import { writeState } from "./state.ts";

type Send = (report: Report) => void;

interface Pending {
  readonly next: ApplyRequest["next"];
  readonly interruption: AbortController;
  readonly kept: { resolve(): void };
}

export class Changing {
  readonly #world: World;
  /** Resolves when the work before has ended. */
  #turn: Promise<unknown> = Promise.resolve();
  #pending: Pending | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Does `work` when no change is under way. */
  between<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Starts pods again, and sends how they are then. A command that fails is a failure, but its pod runs. Throws Fault. */
  restart(pods: readonly string[], send: Send): Promise<void> {
    return this.between(async () => {
      const world = this.#world;
      const stopped = withJoining(world.lab, pods);
      const started = await change(world, { lab: world.lab, stopped, onProgress: progressTo(send) }).catch(
        async (error) => {
          await stopPods(world, stopped); // they are dead then, and not half there
          throw error;
        },
      );
      const failure = await world.commands.settle(started).catch((error: unknown) => ({ error }));
      send({ up: inspected(world) });
      if (failure) send(refusalOf(failure.error));
    });
  }

  /** Makes the lab another one, and waits for `keep`. Sends how it is then, or why all is undone. */
  apply({ lab, stopped, next }: ApplyRequest, send: Send): Promise<void> {
    return this.between(async () => {
      const world = this.#world;
      const before = memoryOf(world);
      const interruption = new AbortController();
      const kept = Promise.withResolvers<void>();
      const { signal } = interruption;
      signal.addEventListener("abort", () => kept.reject(signal.reason));
      kept.promise.catch(() => {}); // it may end before it is waited for
      this.#pending = { next, interruption, kept };
      try {
        const started = await change(world, { lab, stopped: new Set(stopped), onProgress: progressTo(send), signal });
        await world.commands.settle(started);
        signal.throwIfAborted();
        send({ up: inspected(world) });
        await kept.promise;
      } catch (error) {
        send(await undone(world, before, error));
      } finally {
        this.#pending = undefined;
      }
    });
  }

  /** Undoes the change that is under way. Without one nothing happens. */
  interrupt(why: string): void {
    this.#pending?.interruption.abort(new Fault(code.tryAgain, why, "Call it again"));
  }

  /** The change stays: this writes the new state, and after it nothing is undone. Throws what the file system says. */
  keep(): void {
    const { next, interruption, kept } = this.#pending ?? {};
    if (next === undefined || interruption?.signal.aborted)
      throw new Fault(code.tryAgain, "The change is undone already", "Call it again");
    try {
      writeState(next, this.#world.folder);
      kept!.resolve();
    } catch (error) {
      interruption!.abort(error);
      throw error;
    }
  }
}

const progressTo =
  (send: Send) =>
  (done: number, total: number, now: string): void =>
    send({ done, total, now });

function memoryOf({ lab, pods, hosts, impairments }: World) {
  const running = new Map([...pods, ...hosts]);
  const alive = new Set([...running.values()].filter(({ isAlive }) => isAlive));
  return { lab, running, alive, impaired: impairments.all() };
}

/** Leads back to the lab before. Answers the refusal, which says whether that succeeded. */
async function undone(world: World, before: ReturnType<typeof memoryOf>, error: unknown): Promise<Refusal> {
  const { failed, cure } = refusalOf(error);
  const running = new Map([...world.pods, ...world.hosts]);
  const isOther = (name: string) => {
    const [old, now] = [before.running.get(name), running.get(name)];
    return now !== old || (old !== undefined && before.alive.has(old) && !old.isAlive);
  };
  const others = [...running.keys()].filter(isOther);
  const stopped = withJoining(world.lab, withJoining(before.lab, others));
  try {
    await change(world, { lab: before.lab, stopped, impaired: before.impaired, onProgress: () => {} });
    return { failed: `${failed}\n  The lab is as it was before`, cure };
  } catch (second) {
    return {
      failed: `${failed}\n  The lab could not be put back as it was: ${refusalOf(second).failed}`,
      cure: "Begin again: ns-net lab down, then ns-net lab up",
    };
  }
}

export function refusalOf(error: unknown): Refusal {
  const [fault, by] = [faultOf(error), { byHand: true }];
  return { failed: fault.sentence(by), cure: fault.cure(by) };
}
