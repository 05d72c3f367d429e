/** Connection tracking drops new connections when its table is full. */
import { Blocked } from "../cause.ts";
import type { Site } from "../site/site.ts";
import type { Walk } from "../walk.ts";

const folder = "net/netfilter";

/** Throws Blocked if a new connection finds no room. */
export function refuseFullTable(walk: Walk, site: Site): void {
  if (walk.isBack || walk.isResolving) return;
  const count = site.number(`${folder}/nf_conntrack_count`);
  const max = site.number(`${folder}/nf_conntrack_max`);
  if (count === 0 || max === 0 || count < max) return;
  const what = `connection tracking is full: ${count} of ${max} connections`;
  walk.note(site.where, "connection tracking", what, "drop");
  throw new Blocked({
    ...{ code: "conntrack-full", where: site.where, what },
    cure: `sysctl -w net.netfilter.nf_conntrack_max=${Math.max(2 * max, 4096)}`,
  });
}
