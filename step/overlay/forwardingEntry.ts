/** A permanent forwarding entry of a VXLAN device: the host to which frames for a hardware address go. */
import { formatAddress, parseAddress } from "../../ip/address.ts";
import { addressBytes, addressFromBytes } from "../../ip/bytes.ts";
import { deleteForwarding, familyBridge, listNeighbours, setForwarding } from "../../netlink/route/neighbour.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { type Kind, missing } from "../kind.ts";
import { shellWord } from "../shellWords.ts";

export interface ForwardingEntryStep {
  readonly kind: "forwardingEntry";
  /** A VXLAN device of the host. */
  readonly link: string;
  readonly mac: string;
  /** The other host's address on the underlay. */
  readonly to: string;
}

export const forwardingEntry: Kind<ForwardingEntryStep> = {
  apply({ link, mac, to }, kernel) {
    kernel.request("host", setForwarding(kernel.indexOf("host", link), mac, addressBytes(parseAddress(to)!)));
    return true;
  },

  undo({ link, mac, to }, kernel) {
    const index = kernel.link("host", link)?.index;
    if (index === undefined) return;
    tolerating(
      () => kernel.request("host", deleteForwarding(index, mac, addressBytes(parseAddress(to)!))),
      errno.ENOENT,
    );
  },

  check({ link, mac, to }, kernel) {
    const index = kernel.link("host", link)?.index;
    if (index === undefined) return missing(`link ${link}`);
    const isThere = listNeighbours(kernel.route("host"), familyBridge).some(
      ({ index: of, address, destination }) =>
        of === index && address === mac && destination && formatAddress(addressFromBytes(destination)) === to,
    );
    return isThere ? [] : missing(`forwarding entry ${mac} to ${to} on ${link}`);
  },

  reason: ({ mac, to }) => `Frames for ${mac} go to the host ${to}.`,

  print: ({ link, mac, to }) => [`bridge fdb replace ${mac} dev ${shellWord(link)} dst ${to} self permanent`],
};
