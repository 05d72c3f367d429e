/** Ten thousand ADDs and DELs through one agent: its memory and its open files at the end, beside those after the first thousand. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Kind } from "../fault/fault.ts";
import { Host } from "../host.ts";
import { countLeft, noLosses, refused } from "../losses.ts";
import { launcher, socket, startAgent } from "./agent.ts";

const rssGrowthMax = 1.1;
/** The agent gives memory back when it has been idle that long. */
const idleMs = 2500;
const podCount = 10;

/**
 * SQLite keeps a handle that one thread closed as long as another thread has locks on the file, and uses it again. Two at most
 * were seen, the same after 1,500 and after 10,000 calls.
 */
const keptBySqlite = 4;

interface Figures {
  readonly rssKiB: number;
  /** The names of the open files, which sockets have, too. */
  readonly files: readonly string[];
}

function filesOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return "closed meanwhile";
    }
  });
}

function figuresOf(pid: number): Figures {
  const [, rss] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!;
  return { rssKiB: Number(rss), files: filesOf(pid) };
}

const others = ({ files }: Figures) => files.filter((name) => !name.endsWith(".sqlite")).length;

export const manyCalls: Kind = {
  title: "ten thousand ADDs and DELs through one agent",
  async run({ short }) {
    const losses = noLosses();
    const environment = { NSNET_AGENT: socket };
    const host = new Host("many", { program: launcher("ns-net"), environment });
    const pods = Array.from({ length: podCount }, (_, i) => `many${i}`);
    for (const pod of pods) host.addPod(pod);
    const agent = await startAgent(host.dataDir);
    const [all, first] = short ? [600, 300] : [10_000, 1000];
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
    const say = ({ rssKiB, files }: Figures) => `${(rssKiB / 1024).toFixed(1)} MiB, ${files.length} files`;
    const figures = `after ${first}: ${say(before!)}; after ${all}: ${say(after)}; ${seconds.toFixed(0)} s`;
    console.error(`  ${figures}`);
    const isLeak = others(after) > others(before!) || after.files.length > before!.files.length + keptBySqlite;
    if (isLeak) refused(losses, `open files, ${figures}: ${after.files.join(" ")}`);
    if (after.rssKiB > before!.rssKiB * rssGrowthMax) refused(losses, `memory, ${figures}`);
    countLeft(host, pods, losses, `${all} ADDs and DELs`);
    await agent.end();
    host.clear();
    for (const pod of pods) host.deletePod(pod);
    return losses;
  },
};
