/** An address on a link: the container's, or the gateway's on the bridge. It dies with its link; the bridge's is shared. */
import { type Cidr, formatCidr, parseCidr } from "../../conf/address.ts";
import { errno, isKernelError } from "../../netlink/errors.ts";
import { addAddress, addressFlag, deleteAddress, listAddresses } from "../../netlink/route/address.ts";
import type { Kernel, Where } from "../kernel.ts";
import { addressBytes, addressFromBytes } from "../names.ts";
import { type Kind, missing } from "./step.ts";
import { netnsWord } from "./veth.ts";

export interface AddressStep {
  readonly kind: "address";
  readonly where: Where;
  readonly link: string;
  /** CIDR. */
  readonly address: string;
  /** False lets the kernel detect duplicates first, which keeps an IPv6 address unusable for a second or two. */
  readonly detectDuplicates: boolean;
  readonly netns: string;
  /** Addresses of the link that this one takes the place of. */
  readonly replaces: readonly string[];
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
    for (const old of step.replaces) {
      try {
        kernel.request(step.where, deleteAddress(requestOf(kernel, step, old)));
      } catch (error) {
        if (!isKernelError(error, errno.EADDRNOTAVAIL)) throw error;
      }
    }
    const { cidr, ...request } = requestOf(kernel, step, step.address);
    const withoutDetection = cidr.family === 6 && !step.detectDuplicates;
    try {
      kernel.request(step.where, addAddress({ ...request, ...(withoutDetection && { flags: addressFlag.noDad }) }));
    } catch (error) {
      if (!isKernelError(error, errno.EEXIST)) throw error;
    }
    return false;
  },

  check({ where, link, address: text }, kernel) {
    if (!kernel.link(where, link)) return missing(`link ${link}`);
    const found = addressesOf(kernel, where, link).map(formatCidr);
    const wanted = formatCidr(parseCidr(text)!);
    return found.includes(wanted)
      ? []
      : [{ what: `address of ${link}`, expected: wanted, found: found.join(", ") || "none" }];
  },

  print({ where, link, address: text, detectDuplicates, netns, replaces }) {
    const ip = where === "host" ? "ip" : `ip -n ${netnsWord(netns)}`;
    const family = text.includes(":") ? " -6" : "";
    const nodad = family && !detectDuplicates ? " nodad" : "";
    return [
      ...replaces.map((old) => `${ip} address del ${old} dev ${link}`),
      `${ip}${family} address add ${text}${family ? "" : " brd +"} dev ${link}${nodad}`,
    ];
  },
};

/** What a link has, without the link-local addresses the kernel gives by itself. */
export function addressesOf(kernel: Kernel, where: Where, link: string): Cidr[] {
  const scopeLink = 253;
  return listAddresses(kernel.route(where), kernel.indexOf(where, link))
    .filter(({ scope, address: any, local }) => scope !== scopeLink && (local ?? any) !== undefined)
    .map(({ local, address: any, prefixLength }) => ({ ...addressFromBytes((local ?? any)!), prefixLength }));
}
