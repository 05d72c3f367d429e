/** Ports of the host that should lead to a container. */
import { formatAddress, parseAddress } from "../../../ip/address.ts";
import { addressBytes, addressFromBytes } from "../../../ip/bytes.ts";
import type { PublishedPort } from "../../ports/publishedPort.ts";
import { addressOf, endOf, type Packet, sameBytes } from "../../rules/packet.ts";
import { Blocked, type CauseCode } from "../cause.ts";
import type { Site } from "../site/site.ts";
import type { Walk } from "../walk.ts";

/**
 * Throws Blocked if the packet was meant for a published port and was translated to elsewhere, or if the port is not
 * published and nothing on the host listens. `first`: the packet as it was sent; `end`: where it arrived, if it did.
 */
export function checkPublished(walk: Walk, first: Packet, end: { site: Site; packet: Packet } | undefined): void {
  const { port, protocol, version } = walk.question;
  if (port === undefined || protocol === "icmp") return;
  const { host } = walk.world;
  const asked = addressOf(first, "destination");
  if (!host.holds(asked)) return;
  const { ports, lost } = walk.world.published();
  const wanted = ports.filter(
    (one) => one.protocol === protocol && one.hostPort === port && isFor(one, asked, version),
  );
  const own = wanted.find(({ by }) => by === "ns-net");
  if (own?.containerAddress !== undefined) {
    const to = end ? endOf(end.packet, "destination") : walk.connections.get(host)?.reply.source;
    if (to === undefined || (end === undefined && sameBytes(to.address, asked))) return;
    const arrived = formatAddress(addressFromBytes(to.address));
    if (own.containerAddress === arrived && own.containerPort === to.port) return;
    const shadow = walk.hops.find(({ what, verdict }) => what === "translation" && verdict === "rewrite");
    const why = shadow ? `another rule comes first: ${shadow.says}` : "the packet does not reach its rule";
    const what = `port ${port} is published for ${own.containerAddress}:${own.containerPort}, but ${why}`;
    throw blocked(walk, host, "mapping-shadowed", what, shadowCure(shadow?.says));
  }
  if (end?.site !== host || wanted.length > 0) return;
  if (host.listening(protocol).some((one) => one.port === port)) return;
  const isLost = lost.includes(port);
  const what = isLost
    ? `the rules that publish port ${port} are gone`
    : `port ${port} is not published, and no program on the host listens on it`;
  throw blocked(walk, host, "no-mapping", what, isLost ? "ns-net repair" : "");
}

function isFor({ hostAddress }: PublishedPort, address: Uint8Array, version: 4 | 6): boolean {
  const parsed = parseAddress(hostAddress);
  if (parsed === undefined || parsed.family !== version) return false;
  return parsed.value === 0n || Buffer.compare(addressBytes(parsed), address) === 0;
}

/** The words of a translation end with the place of its rule. */
function shadowCure(says: string | undefined): string {
  const [, family, table, chain, handle] = /\(table (\S+) (\S+), chain (\S+), handle (\d+)\)/.exec(says ?? "") ?? [];
  return handle === undefined ? "ns-net repair" : `nft delete rule ${family} ${table} ${chain} handle ${handle}`;
}

function blocked(walk: Walk, site: Site, code: CauseCode, what: string, cure: string): Blocked {
  walk.note(site.where, "port", what, "drop");
  return new Blocked({ code, where: site.where, what, cure });
}
