/** Whether a program takes the packet: a socket that listens on the port and the address. */
import { formatAddress } from "../../../ip/address.ts";
import { addressFromBytes } from "../../../ip/bytes.ts";
import type { Listening } from "../../../netlink/sockets/listening.ts";
import { endOf, type Packet, portOf, sameBytes } from "../../rules/packet.ts";
import { Blocked, type CauseCode } from "../cause.ts";
import type { Site } from "../site/site.ts";
import type { Walk } from "../walk.ts";

/** Throws Blocked if nothing listens. A ping needs no listener, but the kernel may be set to ignore it. */
export function listen(walk: Walk, site: Site, packet: Packet): void {
  const { protocol, version } = walk.question;
  if (protocol === "icmp") {
    const setting = version === 4 ? "net/ipv4/icmp_echo_ignore_all" : "net/ipv6/icmp/echo_ignore_all";
    if (site.number(setting) === 0) return;
    const name = setting.replaceAll("/", ".");
    throw blocked(
      walk,
      site,
      "not-listening",
      `${site.where} ignores pings (${name} is 1)`,
      `${site.prefix}sysctl -w ${name}=0`,
    );
  }
  const { address } = endOf(packet, "destination");
  const port = portOf(packet, "destination");
  const all = site.listening(protocol).filter((one) => one.port === port);
  if (all.some((one) => takes(one, address))) {
    walk.note(site.where, "listener", `a program listens on ${protocol} port ${port}`);
    return;
  }
  const place = `${protocol} port ${port}`;
  const texts = [...new Set(all.map((one) => formatAddress(addressFromBytes(one.address))))].join(", ");
  if (all.length === 0) throw blocked(walk, site, "not-listening", `no program listens on ${place}`, "");
  const isSameFamily = ({ address: own }: Listening) => own.length === address.length;
  if (all.some((one) => isLoopback(one.address) && isSameFamily(one)) || all.every((one) => isLoopback(one.address))) {
    throw blocked(walk, site, "listens-on-loopback", `the program on ${place} listens on ${texts} alone`, "");
  }
  if (!all.some(isSameFamily)) {
    const what = `the program on ${place} listens on ${texts}, and not on IPv${version}`;
    throw blocked(walk, site, "listens-other-family", what, "");
  }
  throw blocked(walk, site, "not-listening", `the program on ${place} listens on ${texts} alone`, "");
}

const isZero = (address: Uint8Array) => address.every((byte) => byte === 0);
const isLoopback = (address: Uint8Array) =>
  address.length === 4 ? address[0] === 127 : address.subarray(0, 15).every((byte) => byte === 0) && address[15] === 1;

const mapped = (address: Uint8Array) => Uint8Array.of(...new Array<number>(10).fill(0), 0xff, 0xff, ...address);

function takes({ address: own, isIpv6Only }: Listening, address: Uint8Array): boolean {
  if (own.length === address.length) return isZero(own) || sameBytes(own, address);
  return own.length === 16 && ((isZero(own) && !isIpv6Only) || sameBytes(own, mapped(address)));
}

function blocked(walk: Walk, site: Site, code: CauseCode, what: string, cure: string): Blocked {
  walk.note(site.where, "listener", what, "drop");
  return new Blocked({ code, where: site.where, what, cure });
}
