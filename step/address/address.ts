/** An address on a link: the container's, or the gateway's on the bridge. It ends with its link; attachments share the bridge's. */

import { familyOf, formatCidr, isLinkLocal, parseCidr } from "../../ip/address.ts";
import { addressBytes } from "../../ip/bytes.ts";
import type { Kernel, Where } from "../../kernel/kernel.ts";
import { addAddress, addressFlag, deleteAddress } from "../../netlink/route/address.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { type Kind, missing } from "../kind.ts";
import { ipWord, shellWord } from "../shellWords.ts";
import defer * as subnetRoute from "./subnetRoute.ts";

export interface AddressStep {
  readonly kind: "address";
  readonly where: Where;
  readonly link: string;
  /** CIDR. */
  readonly address: string;
  /** True lets the kernel detect duplicates first; an IPv6 address cannot be used for that second or two. */
  readonly detectDuplicates: boolean;
  /** Addresses of the link that this one replaces. */
  readonly replaces: readonly string[];
  /** The kernel adds no route to the subnet. */
  readonly noPrefixRoute?: true | undefined;
  /** A later plugin moved the subnet's route to another table, and checks it there. */
  readonly subnetElsewhere?: true;
}

function requestOf(kernel: Kernel, { where, link }: AddressStep, text: string) {
  const cidr = parseCidr(text)!;
  return {
    cidr,
    index: kernel.indexOf(where, link),
    address: addressBytes(cidr),
    prefixLength: cidr.prefixLength,
    text: `${text} to ${link}`,
  };
}

export const address: Kind<AddressStep> = {
  apply(step, kernel) {
    if (step.replaces.length === 0 && isKnown(kernel, step)) return false;
    for (const old of step.replaces) {
      const request = deleteAddress(requestOf(kernel, step, old));
      tolerating(() => kernel.request(step.where, request), errno.EADDRNOTAVAIL);
    }
    const { cidr, ...request } = requestOf(kernel, step, step.address);
    const withoutDetection = cidr.family === 6 && !step.detectDuplicates;
    const flags = (withoutDetection ? addressFlag.noDad : 0) | (step.noPrefixRoute ? addressFlag.noPrefixRoute : 0);
    const message = addAddress({ ...request, flags: flags || undefined });
    tolerating(() => kernel.request(step.where, message), errno.EEXIST);
    return false;
  },

  repair(step, kernel) {
    if (has(step, kernel) && subnetRoute.added(step, kernel)) return;
    const { cidr: _, ...request } = requestOf(kernel, step, step.address);
    tolerating(() => kernel.request(step.where, deleteAddress(request)), errno.EADDRNOTAVAIL);
    kernel.forget(step.where, step.link);
    address.apply!(step, kernel);
  },

  check(step, kernel) {
    const { where, link, address: text } = step;
    if (!kernel.link(where, link)) return missing(`link ${link}`);
    if (has(step, kernel))
      return subnetRoute.isLost(step, kernel) ? missing(`route of ${link} to the subnet of ${text}`) : [];
    const found = kernel.addresses(where, link).map(formatCidr);
    return [{ what: `address of ${link}`, expected: formatCidr(parseCidr(text)!), found: found.join(", ") || "none" }];
  },

  given: ({ where, address }) => ({ address: { where, cidr: address } }),

  asInResult: (step, { ips }) =>
    step.where === "host" || ips.some(({ address }) => address === step.address) ? step : undefined,

  reason: ({ where }) =>
    where === "host" ? "The gateway's address: the containers' way out." : "The container's address.",

  print(step, { kernel, netns }) {
    const { where, link, address: text, detectDuplicates, replaces, noPrefixRoute } = step;
    const isShared = where === "host" && replaces.length === 0;
    if (kernel && isShared && address.check(step, kernel).length === 0) return [];
    const family = familyOf(text);
    const [ip, dev] = [ipWord(where, netns, family), shellWord(link)];
    const more = family === 4 ? " brd +" : "";
    const nodad = family === 6 && !detectDuplicates ? " nodad" : "";
    return [
      ...replaces.map((old) => `${ipWord(where, netns)} address del ${old} dev ${dev}`),
      `${ip} address add ${text}${more} dev ${dev}${nodad}${noPrefixRoute ? " noprefixroute" : ""}`,
    ];
  },
};

function has({ where, link, address: text }: AddressStep, kernel: Kernel): boolean {
  const wanted = parseCidr(text)!;
  const found = isLinkLocal(wanted) ? kernel.linkLocalAddresses(where, link) : kernel.addresses(where, link);
  return found.some((one) => formatCidr(one) === formatCidr(wanted));
}

/** True if facts were read that say the link has the address: every ADD but the first finds the gateway on the bridge. */
function isKnown(kernel: Kernel, { where, link, address: text }: AddressStep): boolean {
  for (const one of kernel.knownAddresses(where, link) ?? []) if (formatCidr(one) === text) return true;
  return false;
}
