/**
 * Waits until the kernel has detected duplicates of the container's IPv6 addresses; they cannot be used before (RFC 4862,
 * 5.4). Refuses an address that another machine has: the kernel would keep it, but not use it.
 */

import { code, Fault } from "../../conf/fault.ts";
import { formatAddress } from "../../ip/address.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { addressFlag, listAddresses } from "../../netlink/route/address.ts";
import { eventGroup, waitForEvent } from "../../netlink/route/events.ts";
import { type Kind, missing } from "../kind.ts";
import { ipWord, shellWord } from "../shellWords.ts";

export interface AwaitDadStep {
  readonly kind: "awaitDad";
  readonly link: string;
}

/** Usually a second or two; the kernel begins after a random delay of up to one. */
const waitMsMax = 10_000;

export const awaitDad: Kind<AwaitDadStep> = {
  apply({ link }, kernel) {
    const isSettled = () =>
      flagged(link, addressFlag.tentative, kernel).length === 0 || duplicates(link, kernel).length > 0;
    const socket = kernel.openEventSocket("container");
    const isInTime = waitForEvent(eventGroup.ipv6Address, isSettled, waitMsMax, socket);
    const [duplicate] = duplicates(link, kernel);
    if (duplicate !== undefined) {
      throw new Fault(
        code.tryAgain,
        `Cannot use ${duplicate} on ${link}: another machine on the link has it`,
        "Remove it from that machine, or exclude it from the range of addresses",
      );
    }
    if (isInTime) return false;
    throw new Fault(
      code.tryAgain,
      `The IPv6 addresses of ${link} cannot be used after ${waitMsMax} ms: the kernel still detects duplicates`,
      "It needs a link that is up; without enabledad they work at once",
    );
  },

  check({ link }, kernel) {
    if (!kernel.link("container", link)) return missing(`link ${link}`);
    return flagged(link, addressFlag.tentative | addressFlag.duplicate, kernel).map((address) => ({
      what: `address ${address} of ${link}`,
      expected: "usable",
      found: duplicates(link, kernel).includes(address) ? "a duplicate of another machine's" : "tentative",
    }));
  },

  reason: () => "An IPv6 address can be used once no other machine claims it.",

  print: ({ link }, { netns }) => [
    `while ${ipWord("container", netns, 6)} address show dev ${shellWord(link)} tentative | grep -q .; do sleep 0.1; done`,
  ],
};

const duplicates = (link: string, kernel: Kernel) => flagged(link, addressFlag.duplicate, kernel);

function flagged(link: string, flag: number, kernel: Kernel): string[] {
  return listAddresses(kernel.route("container"), kernel.indexOf("container", link)).flatMap(
    ({ address, flags = 0 }) =>
      address?.length === 16 && (flags & flag) !== 0 ? [formatAddress(addressFromBytes(address))] : [],
  );
}
