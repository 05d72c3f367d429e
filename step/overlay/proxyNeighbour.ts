/** The host answers for an address on a link (proxy ARP, proxy NDP): the address is elsewhere, and neighbours look for it here. */
import { formatAddress, parseAddress } from "../../ip/address.ts";
import { addressBytes, addressFromBytes } from "../../ip/bytes.ts";
import { addressFamily } from "../../netlink/route/address.ts";
import { deleteProxy, listProxies, setProxy } from "../../netlink/route/neighbour.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { type Kind, missing } from "../kind.ts";
import { shellWord } from "../shellWords.ts";

export interface ProxyNeighbourStep {
  readonly kind: "proxyNeighbour";
  /** A link of the host. */
  readonly link: string;
  readonly address: string;
}

export const proxyNeighbour: Kind<ProxyNeighbourStep> = {
  apply({ link, address }, kernel) {
    kernel.request("host", setProxy(kernel.indexOf("host", link), addressBytes(parseAddress(address)!)));
    return true;
  },

  undo({ link, address }, kernel) {
    const index = kernel.link("host", link)?.index;
    if (index === undefined) return;
    tolerating(() => kernel.request("host", deleteProxy(index, addressBytes(parseAddress(address)!))), errno.ENOENT);
  },

  check({ link, address }, kernel) {
    const index = kernel.link("host", link)?.index;
    if (index === undefined) return missing(`link ${link}`);
    const { family } = parseAddress(address)!;
    const isThere = listProxies(kernel.route("host"), addressFamily[family]).some(
      (one) => one.index === index && one.destination && formatAddress(addressFromBytes(one.destination)) === address,
    );
    return isThere ? [] : missing(`proxy for ${address} on ${link}`);
  },

  reason: ({ link, address }) => `The host answers for ${address} on ${link}, and forwards its packets.`,

  print: ({ link, address }) => [`ip neighbour replace proxy ${address} dev ${shellWord(link)}`],
};
