/** The cause of a packet that ends at a link which is down. */
import { Blocked, type CauseCode } from "../cause.ts";
import type { Site, SiteLink } from "../site/site.ts";
import type { Walk } from "../walk.ts";

export function down(walk: Walk, site: Site, link: SiteLink): Blocked {
  const code: CauseCode = site.isHost ? "host-end-down" : "interface-down";
  const what = `${link.name} is down`;
  walk.note(site.where, "link", what, "drop");
  return new Blocked({ code, where: site.where, what, cure: `${site.prefix}ip link set ${link.name} up` });
}
