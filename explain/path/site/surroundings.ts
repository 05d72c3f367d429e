/** The answers that rules ask for of the routing tables and addresses of a namespace. */
import { routeAnswerKind } from "../../../netlink/route/ask.ts";
import { type Device, sameBytes } from "../../rules/packet.ts";
import type { Surroundings } from "../../rules/passage.ts";
import { isLoopback, type Site, type SiteLink } from "./site.ts";

/** ARPHRD_ETHER, ARPHRD_LOOPBACK. */
const hardware = { ethernet: 1, loopback: 772 } as const;

export function deviceOf(link: SiteLink): Device {
  const type = isLoopback(link) ? hardware.loopback : link.address?.length === 17 ? hardware.ethernet : undefined;
  return { name: link.name, index: link.index, group: link.group ?? 0, kind: link.info?.kind, type };
}

const { unicast, local, broadcast, multicast, unreachable } = routeAnswerKind;

export function surroundingsOf(site: Site): Surroundings {
  return {
    addressType(address, link) {
      if (address.length === 4 && address[0]! >= 224)
        return address.every((byte) => byte === 255) ? broadcast : multicast;
      if (address.length === 16 && address[0] === 0xff) return multicast;
      const answer = site.ask({ destination: address });
      if ("errno" in answer) return address.length === 4 ? unicast : unreachable;
      if (answer.kind !== local && answer.kind !== broadcast) return unicast;
      return link === undefined || isOn(site, address, link) ? answer.kind : unicast;
    },
    linkTo({ address, mark, input, output }) {
      const answer = site.ask({ destination: address, mark });
      if ("errno" in answer || answer.kind !== unicast) return null;
      const link = site.link(answer.outputIndex);
      const wanted = input ?? output;
      return link === undefined || (wanted && wanted.index !== link.index) ? null : deviceOf(link);
    },
    ownAddress(link, destination) {
      const own = site.addresses.filter(
        ({ linkIndex, bytes, isLinkLocal }) =>
          linkIndex === link.index && bytes.length === destination.length && !isLinkLocal,
      );
      return (own.find((one) => isInNetwork(destination, one.bytes, one.prefixLength)) ?? own[0])?.bytes;
    },
  };
}

function isOn(site: Site, address: Uint8Array, link: Device): boolean {
  return site.addresses.some(({ bytes, linkIndex }) => linkIndex === link.index && sameBytes(bytes, address));
}

/** True if the address has the first bits of the network. */
export function isInNetwork(address: Uint8Array, network: Uint8Array, prefixLength: number): boolean {
  if (address.length !== network.length) return false;
  for (let bit = 0; bit < prefixLength; bit++) {
    const mask = 0x80 >> (bit & 7);
    if ((address[bit >> 3]! & mask) !== (network[bit >> 3]! & mask)) return false;
  }
  return true;
}
