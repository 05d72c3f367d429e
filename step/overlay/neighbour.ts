/** A permanent neighbour: the hardware address of an IP address on a link, so that the kernel does not ask for it. */
import { formatAddress, parseAddress } from "../../ip/address.ts";
import { addressBytes, addressFromBytes } from "../../ip/bytes.ts";
import { addressFamily } from "../../netlink/route/address.ts";
import { deleteNeighbour, listNeighbours, neighbourState, setNeighbour } from "../../netlink/route/neighbour.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { differences, type Kind, missing } from "../kind.ts";
import { shellWord } from "../shellWords.ts";

export interface NeighbourStep {
  readonly kind: "neighbour";
  /** A link of the host. */
  readonly link: string;
  readonly address: string;
  readonly mac: string;
}

export const neighbour: Kind<NeighbourStep, Omit<NeighbourStep, "mac">> = {
  apply({ link, address, mac }, kernel) {
    kernel.request("host", setNeighbour(kernel.indexOf("host", link), addressBytes(parseAddress(address)!), mac));
    return true;
  },

  undo({ link, address }, kernel) {
    const index = kernel.link("host", link)?.index;
    if (index === undefined) return;
    const bytes = addressBytes(parseAddress(address)!);
    tolerating(() => kernel.request("host", deleteNeighbour(index, bytes)), errno.ENOENT);
  },

  check({ link, address, mac }, kernel) {
    const index = kernel.link("host", link)?.index;
    if (index === undefined) return missing(`link ${link}`);
    const { family } = parseAddress(address)!;
    const found = listNeighbours(kernel.route("host"), addressFamily[family]).find(
      (one) => one.index === index && one.destination && formatAddress(addressFromBytes(one.destination)) === address,
    );
    if (found === undefined) return missing(`neighbour ${address} on ${link}`);
    const state = found.state === neighbourState.permanent ? "permanent" : "learned";
    return differences(`neighbour ${address} on ${link}`, { mac, state: "permanent" }, { mac: found.address, state });
  },

  reason: ({ address, mac }) => `${address} has the hardware address ${mac} without being asked for it.`,

  print: ({ link, address, mac }) => [
    `ip neighbour replace ${address} lladdr ${mac} dev ${shellWord(link)} nud permanent`,
  ],
};
