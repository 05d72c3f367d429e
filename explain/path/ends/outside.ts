/** The side of the question that is outside this machine: where the default route leads. */
import { Blocked } from "../cause.ts";
import { farAway, firstPacket } from "../packets.ts";
import type { SiteLink } from "../site/site.ts";
import { textOf } from "../step/routing.ts";
import type { Beginning, Walk } from "../walk.ts";

/** A packet comes up from the link of the default route. Throws Blocked if there is none. */
export function comesFromOutside(walk: Walk, destinationBy: (link: SiteLink) => Uint8Array): Beginning {
  const { host: site } = walk.world;
  const { version, protocol, port = 0 } = walk.question;
  const source = farAway[version];
  const answer = site.ask({ destination: source });
  const link = "errno" in answer ? undefined : site.link(answer.outputIndex);
  if (link === undefined) {
    const what = `the host has no default route of IPv${version}, so nothing outside can reach it and get an answer`;
    walk.note(site.where, "route", what, "drop");
    throw new Blocked({ code: "no-host-route", where: site.where, what, cure: "" });
  }
  walk.fullBytes = link.mtu ?? walk.fullBytes;
  walk.note(
    site.where,
    "outside",
    `comes in by ${link.name}, the link of the default route, from ${textOf(source)} for example`,
  );
  return { at: "receive", site, link, packet: firstPacket(protocol, source, destinationBy(link), port) };
}
