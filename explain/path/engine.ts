/** Follows a packet from moment to moment, and its answer back. */
import type { Choices } from "../rules/choices.ts";
import { answered, type Connection, statusBit } from "../rules/connection.ts";
import { addressOf, type Packet, sameBytes } from "../rules/packet.ts";
import { Blocked, type CauseCode, Undecided } from "./cause.ts";
import { listen } from "./ends/listener.ts";
import { comesFromOutside } from "./ends/outside.ts";
import { siteOf, usableAddress } from "./ends/party.ts";
import { checkPublished } from "./ends/published.ts";
import { answerTo, farAway, firstPacket } from "./packets.ts";
import type { Site, SiteAddress, SiteLink } from "./site/site.ts";
import { isInNetwork } from "./site/surroundings.ts";
import { arrive } from "./step/arrive.ts";
import { endText } from "./step/filters.ts";
import { receive } from "./step/receive.ts";
import { textOf } from "./step/routing.ts";
import { send } from "./step/send.ts";
import { transmit } from "./step/transmit.ts";
import type { Beginning, Crossing, End, Hop, Moment, Passed, Walk } from "./walk.ts";
import type { Question, World } from "./world.ts";

/** A packet passes fewer moments, unless it goes in a circle. */
const momentsMax = 64;

class Engine implements Walk {
  readonly world: World;
  readonly question: Question;
  readonly choices: Choices;
  readonly hops: Hop[] = [];
  readonly connections = new Map<Site, Connection>();
  readonly untracked = new Set<Site>();
  readonly added = new Set<string>();
  readonly passed: Passed[] = [];
  readonly sender: Site;
  readonly receiver: Site | undefined;
  target: Walk["target"];
  isBack = false;
  isResolving = false;
  fullBytes = Number.POSITIVE_INFINITY;

  constructor(world: World, question: Question, choices: Choices, sender: Site, receiver: Site | undefined) {
    this.world = world;
    this.question = question;
    this.choices = choices;
    this.sender = sender;
    this.receiver = receiver;
  }

  note(where: string, what: string, says: string, verdict: Hop["verdict"] = "pass", crossing?: Crossing): void {
    this.hops.push({ where, what, says, verdict, isBack: this.isBack, crossing });
  }

  follow(first: Moment): End {
    let moment = first;
    for (let i = 0; i < momentsMax; i++) {
      if (moment.at === "delivered" || moment.at === "outside") return moment;
      const { at, site, packet } = moment;
      if (at !== "transmit" && !this.isResolving) this.passed.push({ site, packet, isBack: this.isBack });
      if (moment.at === "receive") {
        const next = receive(this, moment);
        if (next === undefined) return moment;
        moment = next;
      } else if (moment.at === "send") moment = send(this, moment);
      else if (moment.at === "transmit") moment = transmit(this, moment);
      else moment = arrive(this, moment);
    }
    throw new Undecided("host", "the packet goes in a circle");
  }
}

export interface Walked {
  readonly hops: readonly Hop[];
  readonly failure: Blocked | Undecided | undefined;
  /** `10.1.0.3:80` */
  readonly to: string;
  /** The sender's address and the one that it asks. */
  readonly addresses: readonly Uint8Array[];
  readonly passed: readonly Passed[];
}

/** One walk there and back, with the choices taken as `choices` says. */
export function walkOnce(world: World, question: Question, choices: Choices): Walked {
  let hops: readonly Hop[] = [];
  let to = question.to.name;
  let addresses: readonly Uint8Array[] = [];
  let passed: readonly Passed[] = [];
  try {
    const engine = new Engine(world, question, choices, siteOf(question.from) ?? world.host, siteOf(question.to));
    ({ hops, passed } = engine);
    const first = beginningOf(engine);
    to = endText(first.packet, "destination");
    addresses = [addressOf(first.packet, "source"), addressOf(first.packet, "destination")];
    thereAndBack(engine, first);
    return { hops, to, addresses, passed, failure: undefined };
  } catch (error) {
    if (error instanceof Blocked || error instanceof Undecided) return { hops, to, addresses, passed, failure: error };
    throw error;
  }
}

/** The first packet, where it begins: at its sender, or at the link by which it comes to this machine. */
function beginningOf(walk: Engine): Beginning {
  const { version, protocol, port = 0, from } = walk.question;
  const { sender } = walk;
  if (from.is === "outside") return comesFromOutside(walk, (link) => destinationOf(walk, farAway[version], link));
  const own = usableAddress(walk, sender, version);
  walk.note(sender.where, "interface", `${sender.link(own.linkIndex)?.name} has ${own.text}/${own.prefixLength}`);
  const destination = destinationOf(walk, own.bytes);
  const answer = sender.ask({ destination });
  const source = ("errno" in answer ? undefined : answer.preferredSource) ?? own.bytes;
  return { at: "send", site: sender, packet: firstPacket(protocol, source, destination, port) };
}

/** `arrival`: the link by which a packet from the outside comes, whose address of the host it asks. */
function destinationOf(walk: Engine, own: Uint8Array, arrival?: SiteLink): Uint8Array {
  const { sender } = walk;
  const { to, version } = walk.question;
  if (to.is === "address") {
    if (to.site && to.site !== sender) checkHolder(walk, to.site, to.address, version);
    return to.address;
  }
  if (to.is !== "site") return farAway[version];
  const { site } = to;
  if (site.isHost && !sender.isHost) {
    const route = sender.ask({ destination: farAway[version] });
    if (!("errno" in route) && route.gateway && site.holds(route.gateway)) return route.gateway;
  }
  const isNear = ({ bytes, prefixLength, linkIndex }: SiteAddress) =>
    arrival && site.isHost ? linkIndex === arrival.index : isInNetwork(own, bytes, prefixLength);
  return usableAddress(walk, site, version, isNear).bytes;
}

/** The interface of the namespace that has the address must be able to use it. */
function checkHolder(walk: Engine, site: Site, address: Uint8Array, version: 4 | 6): void {
  usableAddress(walk, site, version, ({ bytes }) => sameBytes(bytes, address));
}

/** A packet that an unexpected translation leads astray has that as its cause. */
function followFirst(walk: Engine, first: Beginning): End {
  try {
    return walk.follow(first);
  } catch (error) {
    if (error instanceof Blocked) checkPublished(walk, first.packet, undefined);
    throw error;
  }
}

function thereAndBack(walk: Engine, beginning: Beginning): void {
  const end = followFirst(walk, beginning);
  const { packet: first } = beginning;
  if (end.at === "receive") throw new Undecided(end.site.where, "the packet is for nothing that is known");
  if (end.at === "outside") {
    walk.passed.push({ site: end.site, packet: answerTo(end.packet), isBack: true });
    refuseUnfollowed(walk, end);
    leaveMachine(walk, end.site, end.packet, end.link.name);
    return;
  }
  const { site, packet } = end;
  checkPublished(walk, first, end);
  if (
    walk.receiver &&
    site !== walk.receiver &&
    sameBytes(addressOf(packet, "destination"), addressOf(first, "destination"))
  ) {
    const what = `${site.where} has the address ${textOf(addressOf(packet, "destination"))}, too, and takes the packet`;
    const own = site.holds(addressOf(packet, "destination"));
    const cure = own
      ? `${site.prefix}ip address del ${own.text}/${own.prefixLength} dev ${site.link(own.linkIndex)?.name}`
      : "";
    walk.note(site.where, "address", what, "drop");
    throw new Blocked({ code: "duplicate-address", where: site.where, what, cure });
  }
  listen(walk, site, packet);
  try {
    comeBack(walk, site, packet, beginning);
  } catch (error) {
    throw (error instanceof Blocked && withoutMasquerade(walk, site, packet, error)) || error;
  }
}

const lostOutside: readonly CauseCode[] = ["no-return-route", "gateway-unreachable", "forwarding-off", "wrong-prefix"];

/** The other side knows no way back to an address that it should not have seen. */
function withoutMasquerade(walk: Engine, site: Site, packet: Packet, { reason }: Blocked): Blocked | undefined {
  const { host } = walk.world;
  if (!lostOutside.includes(reason.code) || reason.where !== site.where || site === host) return undefined;
  const isTranslated = ((walk.connections.get(host)?.status ?? 0) & statusBit.sourceNat) !== 0;
  // A bridge masquerades nothing.
  const isRouted = walk.hops.some((one) => one.where === host.where && one.what === "route" && !one.isBack);
  return isTranslated || !isRouted || !isMasqueradeLost(walk) ? undefined : notMasqueraded(walk, host, packet);
}

const isMasqueradeLost = (walk: Engine) =>
  walk.world.attachedTo(walk.sender).some((one) => one.isMasqueraded && one.isMasqueradeLost());

function notMasqueraded(walk: Engine, site: Site, packet: Packet): Blocked {
  const source = textOf(addressOf(packet, "source"));
  const what = `the packet leaves the host with the address ${source}, though its network asks for masquerade (ipMasq)`;
  walk.note(site.where, "translation", what, "drop");
  return new Blocked({
    code: "no-masquerade",
    where: site.where,
    what,
    cure: isMasqueradeLost(walk) ? "ns-net repair" : "",
  });
}

function comeBack(walk: Engine, site: Site, packet: Packet, { at, packet: first }: Beginning): void {
  walk.isBack = true;
  walk.target = undefined;
  for (const [one, connection] of walk.connections) walk.connections.set(one, answered(connection));
  const end = walk.follow({ at: "send", site, packet: answerTo(packet) });
  const isFromOutside = at === "receive";
  if (end.at === "outside" && !isFromOutside) throw new Undecided(end.site.where, "the answer leaves this machine");
  const isSame =
    (isFromOutside ? end.at === "outside" : end.site === walk.sender) &&
    endText(end.packet, "source") === endText(first, "destination") &&
    endText(end.packet, "destination") === endText(first, "source");
  if (isSame) {
    const way = end.at === "outside" ? `leaves by ${end.link.name}` : "comes back";
    walk.note(end.site.where, "answer", `${way} to ${endText(end.packet, "destination")}`);
    if (isFromOutside) refuseUnknownWay(walk, first);
    return;
  }
  const what = `the answer comes from ${endText(end.packet, "source")}, but ${endText(first, "destination")} was asked: it does not pass the translation again`;
  walk.note(end.site.where, "answer", what, "drop");
  throw new Blocked({ code: "hairpin-off", where: walk.world.host.where, what, cure: "" });
}

/** Throws if the outside may not know a way to the address that it asks. */
function refuseUnknownWay(walk: Engine, first: Packet): void {
  const { host } = walk.world;
  const destination = addressOf(first, "destination");
  if (host.holds(destination)) return;
  const what = `${textOf(destination)} is no address of the host; whether the outside knows a way to it is not known`;
  walk.note(host.where, "outside", what, "unknown");
  throw new Undecided(host.where, what);
}

/** Throws if the receiver is on this machine: a link that is not followed leads there, or elsewhere. */
function refuseUnfollowed(walk: Engine, { site, link }: Extract<End, { at: "outside" }>): void {
  if (walk.receiver === undefined) return;
  const kind = link.info?.kind ?? "hardware";
  throw new Undecided(site.where, `links of kind ${kind} (${link.name}) are not followed`);
}

/** Throws if the outside may not know a way back. */
function leaveMachine(walk: Engine, site: Site, packet: Packet, link: string): void {
  const source = addressOf(packet, "source");
  const isTranslated = ((walk.connections.get(site)?.status ?? 0) & statusBit.sourceNat) !== 0;
  walk.note(site.where, "outside", `leaves by ${link} as ${endText(packet, "source")}`);
  if (isTranslated || site.holds(source)) return;
  if (walk.world.attachedTo(walk.sender).some(({ isMasqueraded }) => isMasqueraded))
    throw notMasqueraded(walk, site, packet);
  const what = `the packet leaves the host with the address ${textOf(source)}; whether the outside knows a way back is not known`;
  walk.note(site.where, "translation", what, "unknown");
  throw new Undecided(site.where, what);
}
