/** The ruleset's generation: a number that every change raises. NFTA_GEN_*. */
import { attributes, be32 } from "../codec.ts";
import type { NetlinkSocket } from "../socket.ts";
import { nfgenHeader, nftMessage, nftType } from "./message.ts";

const generationAttributes = attributes({ number: [1, be32] });

export function getGeneration(socket: NetlinkSocket): number {
  const what = "look up the generation of the nf_tables ruleset";
  const frame = socket.lookUp(nftMessage(what, nftType.getGeneration, 0, 0, new Uint8Array(0)))!;
  return generationAttributes.get(frame.payload.subarray(nfgenHeader.size)).number ?? 0;
}
