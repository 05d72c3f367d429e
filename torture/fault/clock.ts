/**
 * The clock set back or forward by years between calls. For a store that equals rows from another time, so this writes
 * such rows.
 */
import { Database } from "bun:sqlite";
import { Host } from "../host.ts";
import { countDoubles, countLeft, noLosses, refused } from "../losses.ts";
import type { Kind } from "./fault.ts";

const yearMs = 365 * 24 * 3600 * 1000;
const pods = ["clock0", "clock1", "clock2"];

export const clock: Kind = {
  title: "clock set back or forward by years",
  run({ short }) {
    const losses = noLosses();
    // Five addresses, three of them held by pods, so that ADD must find the dead leases.
    const host = new Host("clock", { subnet: "10.66.2.0/29" });
    for (let i = 0; i < (short ? 2 : 20); i++) {
      const after = `${i % 2 === 0 ? "forward" : "back"}, try ${i}`;
      for (const pod of [...pods, "late"]) host.addPod(pod);
      for (const pod of pods) host.call("ADD", pod);
      shift(host, (i % 2 === 0 ? -10 : 10) * yearMs);
      losses.faults++;
      for (const verb of ["ADD", "DEL", "ADD"] as const) {
        const { code, stdout } = host.call(verb, "late");
        if (code !== 0) refused(losses, `${verb} after the clock was set ${after}: ${stdout}`);
      }
      countDoubles([...pods, "late"], losses, after);
      for (const pod of [...pods, "late"]) {
        if (host.call("DEL", pod).code !== 0) refused(losses, `DEL of ${pod} after the clock was set ${after}`);
      }
      countLeft(host, [...pods, "late"], losses, after);
      for (const pod of [...pods, "late"]) host.deletePod(pod);
    }
    host.clear();
    return losses;
  },
};

function shift({ storePath }: Host, byMs: number): void {
  using database = new Database(storePath, { readwrite: true });
  database.run("UPDATE attachment SET created_ms = created_ms + ?", [byMs]);
}
