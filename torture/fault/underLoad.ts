/** kill -9 at random moments while other calls add and delete on the same bridge and store. */
import { Host } from "../host.ts";
import { countDoubles, countLeft, type Losses, noLosses, refused } from "../losses.ts";
import type { Kind } from "./fault.ts";

const podCount = 12;
/** Somewhat longer than an ADD takes under this load. */
const killAfterMsMax = 90;

export const underLoad: Kind = {
  title: "kill -9 at random moments, eight calls at once",
  async run({ short, random }) {
    const losses = noLosses();
    const host = new Host("load");
    const pods = Array.from({ length: podCount }, (_, i) => `load${i}`);
    for (const pod of pods) host.addPod(pod);
    const faultsWanted = short ? 24 : 500;
    for (let round = 0; losses.faults < faultsWanted && round < faultsWanted; round++) {
      const chosen = pods.toSorted(() => random() - 0.5).slice(0, 8);
      await Promise.all(chosen.map((pod, i) => disturbed(host, pod, i < 6 ? random : undefined, losses, random)));
      countDoubles(pods, losses, `round ${round}`);
      if (round % 5 === 4) await settleAll(host, pods, losses, `round ${round}`);
    }
    await settleAll(host, pods, losses, "the last round");
    host.clear();
    for (const pod of pods) host.deletePod(pod);
    return losses;
  },
};

async function disturbed(
  host: Host,
  pod: string,
  killAt: (() => number) | undefined,
  losses: Losses,
  random: () => number,
): Promise<void> {
  const child = host.start(random() < 0.7 ? "ADD" : "DEL", pod);
  const timer = killAt && setTimeout(() => child.kill("SIGKILL"), killAt() * killAfterMsMax);
  await child.exited;
  clearTimeout(timer);
  if (child.signalCode === "SIGKILL") losses.faults++;
}

async function settleAll(host: Host, pods: readonly string[], losses: Losses, after: string): Promise<void> {
  const codes = await Promise.all(pods.map((pod) => host.start("DEL", pod).exited));
  if (codes.some((code) => code !== 0)) refused(losses, `DEL answered ${codes.join(" ")} after ${after}`);
  countLeft(host, pods, losses, after);
}
