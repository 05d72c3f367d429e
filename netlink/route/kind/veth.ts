/** VETH_INFO_PEER (linux/veth.h): the data of a link of kind "veth" is the message that creates its other end. */
import { attributes, type Codec, joined } from "../../codec.ts";
import { type LinkValues, linkAttributes, linkHeader } from "../link.ts";

export const vethKind = "veth";

const peerMessage: Codec<LinkValues> = {
  put: (peer) => joined([linkHeader.put({}), linkAttributes.put(peer)]),
  get: (raw) => linkAttributes.get(raw.subarray(linkHeader.size)),
};

/**
 * With `netnsFd` the kernel creates the peer in that namespace. The same message cannot bring the peer up (ENOTCONN).
 */
export const veth = attributes({ peer: [1, peerMessage] });
