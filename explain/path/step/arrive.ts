/** A frame arrives at a link: a bridge takes it, or the namespace if it has its hardware address. */

import { familyNetdev } from "../../../netlink/nft/read/tables.ts";
import { netdevHook } from "../../rules/order.ts";
import { Blocked } from "../cause.ts";
import { isBridge } from "../site/site.ts";
import type { Moment, Walk } from "../walk.ts";
import { enterBridge } from "./bridge.ts";
import { filter } from "./filters.ts";
import { destinationOf, isGroup } from "./frames.ts";

export function arrive(walk: Walk, { site, link, packet: first }: Extract<Moment, { at: "arrive" }>): Moment {
  const at = { hookName: "ingress", hook: netdevHook.ingress, family: familyNetdev, input: link };
  const { packet } = filter(walk, site, first, at);
  const master = link.master === undefined ? undefined : site.link(link.master);
  if (master && isBridge(master)) return enterBridge(walk, site, link, master, packet);
  const to = destinationOf(packet);
  if (!isGroup(to) && to !== link.address) {
    const what = `${link.name} has ${link.address} and drops frames to ${to}`;
    walk.note(site.where, "link", what, "drop");
    throw new Blocked({ code: "wrong-neighbour", where: site.where, what, cure: "" });
  }
  return { at: "receive", site, link, packet };
}
