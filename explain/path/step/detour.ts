/** The host sends a packet elsewhere, though the namespace that has the address is behind a link of its own. */
import { mainTable } from "../../../netlink/route/route.ts";
import { Blocked, type CauseCode } from "../cause.ts";
import { isBridge, isUp, type Site } from "../site/site.ts";
import type { Walk } from "../walk.ts";
import { sentAstrayCure } from "./lostRoute.ts";
import { addedRules, ipOf, isGatewayOn, linkTowards, notGatewayText, textOf, type Way } from "./routing.ts";

/** Throws Blocked if the way leads past the link behind which the address is, through a gateway. */
export function refuseDetour(walk: Walk, site: Site, way: Way, destination: Uint8Array): void {
  if (!site.isHost || !way.isGateway || way.isLocal) return;
  const towards = linkTowards(walk, site, destination);
  if (towards === undefined || towards.index === way.link.index) return;
  const to = textOf(destination);
  const ip = ipOf(destination);
  const fail = (code: CauseCode, what: string, cure: string) => {
    walk.note(site.where, "route", what, "drop");
    return new Blocked({ code, where: site.where, what, cure });
  };
  if (!isUp(towards)) {
    const what = `${isBridge(towards) ? "the bridge " : ""}${towards.name}, behind which ${to} is, is down`;
    throw fail(isBridge(towards) ? "bridge-down" : "host-end-down", what, `ip link set ${towards.name} up`);
  }
  const what = `${to} is behind ${towards.name}, but the route leads to ${textOf(way.nextHop)} on ${way.link.name}`;
  const [rule] = addedRules(site, destination.length === 4 ? 4 : 6);
  if (rule !== undefined && way.answer.table !== mainTable) {
    throw fail(
      "policy-route",
      `${what}, by the ip rule with priority ${rule.priority}`,
      `${ip} rule del priority ${rule.priority}`,
    );
  }
  if (!isGatewayOn(site, towards, destination)) {
    const cure = sentAstrayCure(walk, destination);
    throw fail("no-host-route", `${what}; ${notGatewayText(towards)}`, cure);
  }
  throw fail("no-host-route", what, `${ip} route replace ${to} dev ${towards.name}`);
}
