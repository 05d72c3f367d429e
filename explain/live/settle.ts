/** Settles an answer by a probe, and by what the kernel says about it. */
import type { Answer } from "../path/answer.ts";
import { type Evidence, judged } from "./judge.ts";
import { locate } from "./places.ts";
import { type Outcome, type Probing, receiverOf, type Send } from "./probing.ts";
import type { Watch } from "./watch.ts";

/** An answer takes at most so long; the address of a neighbour is looked for three seconds (net.ipv4.neigh). */
const [patienceMs, neighbourMs] = [1500, 3500];
/** After a drop: a copy may have been dropped, or a connection tries again. */
const graceMs = { icmp: 300, udp: 300, tcp: 1200 } as const;
/** The descriptors of the kernel's reports are not in the event loop, which the probe needs. */
const pauseMs = 2;

/** Sends the probe while it is watched. An answer is reachable, a drop is blocked, and silence is what the kernel saw last. */
export async function settle(probing: Probing, watch: Watch, send: Send): Promise<Answer> {
  const { sender, destination, world } = probing;
  watch.begin();
  const outcome = await watched(probing, watch, send(sender.netns, destination, neighbourMs));
  const evidence: Evidence = { outcome, watch, journeys: located(probing, watch), controlled: undefined };
  if (outcome.reached || evidence.journeys.some(({ end }) => end?.is === "dropped") || sender === world.host)
    return judged(probing, evidence);
  // The same from the host says whether the other side answers at all.
  const controlled =
    receiverOf(probing) !== undefined ? undefined : await send(world.host.netns, destination, patienceMs);
  return judged(probing, { ...evidence, controlled });
}

const located = ({ world, sender }: Probing, watch: Watch) => locate(world, sender, watch.journeys);

async function watched(probing: Probing, watch: Watch, sending: Promise<Outcome>): Promise<Outcome> {
  let outcome: Outcome | undefined;
  void sending.then((one) => {
    outcome = one;
  });
  const startMs = performance.now();
  let dropMs: number | undefined;
  for (;;) {
    watch.read();
    // The kernel writes an event before the packet goes on, so with an answer all is there.
    if (outcome !== undefined) return outcome;
    const nowMs = performance.now();
    if (hasDrop(watch)) dropMs ??= nowMs;
    const isOver = nowMs - startMs > (isWaiting(probing, watch) ? neighbourMs : patienceMs);
    if (isOver || (dropMs !== undefined && nowMs - dropMs > graceMs[probing.question.protocol]))
      return { reached: false, how: "silent" };
    await Bun.sleep(pauseMs);
  }
}

const hasDrop = ({ drops, journeys }: Watch) =>
  drops.length > 0 || journeys.some(({ end }) => end?.is === "dropped" && end.reason !== "OTHERHOST");

/** The probe has not left the sender or a router: it may wait there for the address of a neighbour. */
function isWaiting(probing: Probing, watch: Watch): boolean {
  if (!watch.isTracing) return false;
  const journeys = located(probing, watch);
  if (journeys.length === 0) return true;
  const receiver = receiverOf(probing);
  return journeys.some(({ sightings, end }) => {
    const last = sightings.at(-1);
    return end === undefined && last?.is === "came" && !(receiver !== undefined && last.site === receiver);
  });
}
