/**
 * Which packets are those of the two places. Behind a masquerade their packets have an address of the host, and there all
 * packets between the host and the other side are marked: those that were never seen with the addresses of the places are
 * other flows.
 */
import { formatAddress } from "../../../ip/address.ts";
import { addressFromBytes } from "../../../ip/bytes.ts";
import type { Site } from "../../path/site/site.ts";
import { sameBytes } from "../../rules/packet.ts";
import { addressIn, type Header } from "./header.ts";
import type { Tuple } from "./marks.ts";
import type { TracedPacket } from "./packets.ts";

interface Ends {
  readonly source: string | undefined;
  readonly destination: string | undefined;
}

export class Sides {
  readonly #own: readonly Ends[];

  /** `addresses` are those of the question. */
  constructor(sites: readonly Site[], tuples: readonly Tuple[], addresses: readonly Uint8Array[]) {
    const host = sites.find(({ isHost }) => isHost);
    const isHosts = (end: Uint8Array | undefined) =>
      end !== undefined && host?.holds(end) !== undefined && !addresses.some((one) => sameBytes(one, end));
    const own = tuples.filter(({ source, destination }) => !isHosts(source) && !isHosts(destination));
    const text = (end: Uint8Array | undefined) => end && formatAddress(addressFromBytes(end));
    this.#own = own.map(({ source, destination }) => ({ source: text(source), destination: text(destination) }));
  }

  /** True if some namespace saw the packet with the addresses of the places. */
  haveSent({ visits }: TracedPacket): boolean {
    const headers = visits.flatMap(({ header, rewritten }) => (rewritten ? [header, rewritten] : [header]));
    return this.#own.length === 0 || headers.some((header) => this.#isOwn(header));
  }

  #isOwn(header: Header): boolean {
    const [source, destination] = [addressIn(header.source), addressIn(header.destination)];
    return this.#own.some(
      (one) => (one.source ?? source) === source && (one.destination ?? destination) === destination,
    );
  }
}
