/** Ten thousand ADDs and DELs through one agent: its memory and its open files at the end, beside those after the first thousand. */
import { readdirSync, readFileSync } from "node:fs";
import type { Kind } from "../fault/fault.ts";
import { Host } from "../host.ts";
import { countLeft, noLosses, refused } from "../losses.ts";
import { launcher, socket, startAgent } from "./agent.ts";

const rssGrowthMax = 1.1;
/** The agent gives memory back when it has been idle that long. */
const idleMs = 2500;
const podCount = 10;

interface Figures {
  readonly rssKiB: number;
  readonly files: number;
}

function figuresOf(pid: number): Figures {
  const [, rss] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!;
  return { rssKiB: Number(rss), files: readdirSync(`/proc/${pid}/fd`).length };
}

export const manyCalls: Kind = {
  title: "ten thousand ADDs and DELs through one agent",
  async run({ short }) {
    const losses = noLosses();
    const environment = { NSNET_AGENT: socket };
    const host = new Host("many", { program: launcher("ns-net"), environment });
    const pods = Array.from({ length: podCount }, (_, i) => `many${i}`);
    for (const pod of pods) host.addPod(pod);
    const agent = await startAgent(host.dataDir);
    const [all, first] = short ? [1000, 500] : [10_000, 1000];
    let before: Figures | undefined;
    const startMs = performance.now();
    for (let done = 0; done < all; done += podCount) {
      for (const verb of ["ADD", "DEL"] as const) {
        const codes = await Promise.all(pods.map((pod) => host.start(verb, pod).exited));
        if (codes.some((code) => code !== 0)) refused(losses, `${verb} answered ${codes} after ${done}`);
      }
      losses.faults += podCount;
      if (losses.faults !== first) continue;
      await Bun.sleep(idleMs);
      before = figuresOf(agent.pid);
    }
    const seconds = (performance.now() - startMs) / 1000;
    await Bun.sleep(idleMs);
    const after = figuresOf(agent.pid);
    const say = ({ rssKiB, files }: Figures) => `${(rssKiB / 1024).toFixed(1)} MiB, ${files} files`;
    const figures = `after ${first}: ${say(before!)}; after ${all}: ${say(after)}; ${seconds.toFixed(0)} s`;
    console.error(`  ${figures}`);
    if (after.rssKiB > before!.rssKiB * rssGrowthMax || after.files > before!.files) refused(losses, figures);
    countLeft(host, pods, losses, `${all} ADDs and DELs`);
    await agent.end();
    host.clear();
    for (const pod of pods) host.deletePod(pod);
    return losses;
  },
};
