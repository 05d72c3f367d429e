/**
 * Watches a running lab for pages that show it. Counters change all the time and so are asked for; the rest comes in the same
 * answer. So a change is seen whether `lab impair` made it, `ip link` or the end of a process, and no event can be lost.
 */
import type { Diagram } from "../../../lab/graph/diagram.ts";
import { diagramOf } from "../../../lab/graph/diagramOf.ts";
import type { Live } from "../../../lab/graph/live.ts";
import { type Changed, changedOf } from "../../../lab/graph/page/livePage.ts";
import { type Rate, ratesOf } from "../../../lab/graph/rates.ts";
import type { Lab } from "../../../lab/model/lab.ts";
import { live, running } from "../../../lab/supervisor/client.ts";
import { isAlive, type LabState, readState } from "../../../lab/supervisor/state.ts";

export type News =
  | { readonly event: "changed"; readonly data: Changed }
  | { readonly event: "traffic"; readonly data: readonly Rate[] }
  | { readonly event: "news" | "progress"; readonly data: string };

type Listener = (news: News) => void;

const pauseMs = 250;

interface Seen {
  readonly state: LabState;
  readonly lab: Lab;
  readonly live: Live;
  readonly atMs: number;
  readonly diagram: Diagram;
}

/** Asks as long as a page listens. */
export class Watch {
  readonly #name: string;
  readonly #listeners = new Set<Listener>();
  #seen: Seen | undefined;
  #changed: Changed | undefined;
  #words = "";
  #isRunning = false;

  constructor(name: string) {
    this.#name = name;
  }

  /** The listener hears first how the lab is. Answers what ends that. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (this.#changed) listener({ event: "changed", data: this.#changed });
    if (this.#words !== "") listener({ event: "news", data: this.#words });
    void this.#run();
    return () => this.#listeners.delete(listener);
  }

  tell(news: News): void {
    for (const listener of this.#listeners) listener(news);
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#listeners.size > 0) {
        await this.#look().then(
          () => this.#say(""),
          (error: Error) => this.#say(this.#stateUp() ? error.message : `${this.#name} is down`),
        );
        await Bun.sleep(pauseMs);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  /** Only what differs from before. */
  #say(words: string): void {
    if (words === this.#words) return;
    this.#words = words;
    this.tell({ event: "news", data: words });
  }

  #stateUp(): LabState | undefined {
    const state = readState(this.#name);
    return state?.isUp && isAlive(state) ? state : undefined;
  }

  async #look(): Promise<void> {
    const before = this.#seen;
    const state = this.#stateUp();
    if (state === undefined) throw new Error(`${this.#name} is down`);
    const isSame = before && before.state.hash === state.hash && before.state.pid === state.pid;
    const lab = isSame ? before.lab : (await running(state)).lab;
    const now = await live(state);
    const atMs = performance.now();
    const diagram = diagramOf(lab, now);
    this.#seen = { state, lab, live: now, atMs, diagram };
    if (before === undefined || isOther(before, this.#seen)) {
      this.#changed = await changedOf(diagram, now);
      this.tell({ event: "changed", data: this.#changed });
    }
    if (isSame) this.tell({ event: "traffic", data: ratesOf(before.live, now, atMs - before.atMs) });
  }
}

const isOther = (before: Seen, now: Seen) =>
  !Bun.deepEquals(before.diagram, now.diagram) ||
  before.live.pings?.atMs !== now.live.pings?.atMs ||
  !Bun.deepEquals(namesOf(before.live), namesOf(now.live));

const namesOf = ({ hostLinks }: Live) => hostLinks.map(({ host, name }) => `${host} ${name}`);
