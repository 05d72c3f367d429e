/** A reboot: namespaces, links and rules are gone, the store exists, and the runtime never sends the DELs. */
import { Host, reboot as rebootHost } from "../host.ts";
import { countDoubles, countLeft, noLosses, refused } from "../losses.ts";
import type { Kind } from "./fault.ts";

/** A /28 has 13 addresses to give. All of them are in use at the reboot. */
const poolSize = 13;

export const reboot: Kind = {
  title: "reboot with a full pool",
  run({ short }) {
    const losses = noLosses();
    const host = new Host("reboot", { subnet: "10.66.1.0/28" });
    const pods = (boot: number) => Array.from({ length: poolSize }, (_, i) => `boot${boot}-${i}`);
    const boots = short ? 2 : 12;
    for (let boot = 0; boot < boots; boot++) {
      const now = pods(boot);
      for (const pod of now) {
        host.addPod(pod);
        const { code, stdout } = host.call("ADD", pod);
        if (code !== 0) refused(losses, `ADD of ${pod} after ${boot} reboots: ${stdout}`);
      }
      countDoubles(now, losses, `${boot} reboots`);
      if (boot === boots - 1) {
        for (const pod of now) host.call("DEL", pod);
        countLeft(host, now, losses, `${boot} reboots`);
      }
      rebootHost(host, now);
      losses.faults++;
    }
    host.clear();
    return losses;
  },
};
