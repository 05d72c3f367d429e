/** Which packets come from outside this machine or go there: the default route leads to their other address. */
import { parseAddress } from "../../../ip/address.ts";
import { addressBytes } from "../../../ip/bytes.ts";
import { farAway } from "../../path/packets.ts";
import type { Site } from "../../path/site/site.ts";
import { addressIn, type Header } from "./header.ts";

export class Outside {
  readonly #host: Site | undefined;
  readonly #link: number | undefined;
  /** By address. */
  readonly #known = new Map<string, boolean>();

  constructor(sites: readonly Site[], version: 4 | 6) {
    this.#host = sites.find(({ isHost }) => isHost);
    this.#link = this.#linkTo(farAway[version]);
  }

  isEndOf({ source, destination }: Header): boolean {
    return this.#isOutside(source) || this.#isOutside(destination);
  }

  #isOutside(end: string): boolean {
    const text = addressIn(end);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const address = parseAddress(text);
    const found =
      address !== undefined && this.#link !== undefined && this.#linkTo(addressBytes(address)) === this.#link;
    this.#known.set(text, found);
    return found;
  }

  #linkTo(destination: Uint8Array): number | undefined {
    const answer = this.#host?.ask({ destination });
    return answer === undefined || "errno" in answer ? undefined : answer.outputIndex;
  }
}
