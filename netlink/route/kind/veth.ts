/** VETH_INFO_PEER (linux/veth.h): the data of a link of kind "veth" is the whole message of its other end. */
import { attributes, type Codec, joined } from "../../codec.ts";
import { type LinkValues, linkAttributes, linkHeader } from "../link.ts";

export const vethKind = "veth";

const peerMessage: Codec<LinkValues> = {
  put: (peer) => joined([linkHeader.put({}), linkAttributes.put(peer)]),
  get: (raw) => linkAttributes.get(raw.subarray(linkHeader.size)),
};

/** `netnsFd` in the peer makes it straight in that namespace. It cannot be made up in the same message (ENOTCONN). */
export const veth = attributes({ peer: [1, peerMessage] });
