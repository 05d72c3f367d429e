/** An address on a link: the container's, or the gateway's on the bridge. It dies with its link; the bridge's is shared. */
import { addressBits, type Cidr, formatCidr, networkOf, parseCidr } from "../../conf/address.ts";
import { errno, isKernelError } from "../../netlink/errors.ts";
import { addAddress, addressFlag, deleteAddress } from "../../netlink/route/address.ts";
import { addRoute, listRoutes, routeScope } from "../../netlink/route/route.ts";
import { ignoring } from "../condemn.ts";
import type { Kernel, Where } from "../kernel.ts";
import { addressBytes, addressFromBytes } from "../names.ts";
import { type Kind, missing } from "./step.ts";
import { ipWord, shellWord } from "./words.ts";

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
  /** The subnet is not on the link. */
  readonly noPrefixRoute?: true;
  /** A later plugin gave the subnet's route to another table, and answers for it. */
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
      try {
        kernel.request(step.where, deleteAddress(requestOf(kernel, step, old)));
      } catch (error) {
        if (!isKernelError(error, errno.EADDRNOTAVAIL)) throw error;
      }
    }
    const { cidr, ...request } = requestOf(kernel, step, step.address);
    const withoutDetection = cidr.family === 6 && !step.detectDuplicates;
    try {
      const flags = (withoutDetection ? addressFlag.noDad : 0) | (step.noPrefixRoute ? addressFlag.noPrefixRoute : 0);
      kernel.request(step.where, addAddress({ ...request, ...(flags !== 0 && { flags }) }));
    } catch (error) {
      if (!isKernelError(error, errno.EEXIST)) throw error;
    }
    return false;
  },

  mend(step, kernel) {
    const { where, link } = step;
    const stands = kernel
      .addresses(where, link)
      .map(formatCidr)
      .includes(formatCidr(parseCidr(step.address)!));
    if (stands && addedSubnet(step, kernel)) return;
    const { cidr: _, ...request } = requestOf(kernel, step, step.address);
    ignoring(errno.EADDRNOTAVAIL, () => kernel.request(where, deleteAddress(request)));
    kernel.forget(where, link);
    address.apply!(step, kernel);
  },

  check(step, kernel) {
    const { where, link, address: text } = step;
    if (!kernel.link(where, link)) return missing(`link ${link}`);
    const found = kernel.addresses(where, link).map(formatCidr);
    const wanted = formatCidr(parseCidr(text)!);
    if (found.includes(wanted))
      return lacksSubnet(step, kernel) ? missing(`route of ${link} to the subnet of ${text}`) : [];
    return [{ what: `address of ${link}`, expected: wanted, found: found.join(", ") || "none" }];
  },

  print(step, kernel) {
    const { where, link, address: text, detectDuplicates, netns, replaces, noPrefixRoute } = step;
    const isShared = where === "host" && replaces.length === 0;
    if (kernel && isShared && address.check(step, kernel).length === 0) return [];
    const [ip, dev] = [ipWord(where, netns), shellWord(link)];
    const family = text.includes(":") ? " -6" : "";
    const nodad = family && !detectDuplicates ? " nodad" : "";
    return [
      ...replaces.map((old) => `${ip} address del ${old} dev ${dev}`),
      `${ip}${family} address add ${text}${family ? "" : " brd +"} dev ${dev}${nodad}${noPrefixRoute ? " noprefixroute" : ""}`,
    ];
  },
};

/**
 * As the kernel makes it with the address, and at no other time. False where that is the only way: for an interface in a
 * VRF, whose table the kernel knows, and where the address has lost its own route, too.
 */
function addedSubnet({ where, link, address: text }: AddressStep, kernel: Kernel): boolean {
  if (kernel.link(where, link)?.master !== undefined) return false;
  const own = parseCidr(text)!;
  const how =
    own.family === 4
      ? { scope: routeScope.link, preferredSource: addressBytes(own) }
      : { priority: ipv6SubnetPriority };
  const subnet = { destination: addressBytes(networkOf(own)), dstLength: own.prefixLength, ...how };
  const outIndex = kernel.indexOf(where, link);
  try {
    kernel.request(where, addRoute({ text: `to the subnet of ${text}`, outIndex, ...subnet, byKernel: true }));
    return true;
  } catch (error) {
    if (isKernelError(error, errno.EINVAL, errno.EEXIST)) return false;
    throw error;
  }
}

/** IP6_RT_PRIO_ADDRCONF. */
const ipv6SubnetPriority = 256;

/** In whichever table: `sbr` and `vrf` give it to another. The host's own are its administrator's affair. */
function lacksSubnet(
  { where, link, address: text, noPrefixRoute, subnetElsewhere }: AddressStep,
  kernel: Kernel,
): boolean {
  const subnet = networkOf(parseCidr(text)!);
  const { family, prefixLength } = subnet;
  if (where === "host" || noPrefixRoute || subnetElsewhere || prefixLength === addressBits(family)) return false;
  if (isRouteless(subnet)) return false;
  const outIndex = kernel.indexOf(where, link);
  return !listRoutes(kernel.route(where), family === 4 ? 2 : 10, { outIndex }).some((route) => {
    const { destination, dstLength, gateway } = route;
    if (route.outIndex !== outIndex || gateway || !destination || dstLength !== prefixLength) return false;
    return addressFromBytes(destination).value === subnet.value;
  });
}

/** Subnets that the kernel makes no route for (fib_add_ifaddr in net/ipv4/fib_frontend.c), and all there is. */
function isRouteless({ family, value, prefixLength }: Cidr): boolean {
  const firstByte = Number(value >> 24n);
  return prefixLength === 0 || (family === 4 && (firstByte === 0 || (firstByte & 0xf0) === 0xe0));
}

/** True when the link was seen to have the address already: every ADD but the first finds the gateway on the bridge. */
function isKnown(kernel: Kernel, { where, link, address: text }: AddressStep): boolean {
  for (const one of kernel.knownAddresses(where, link) ?? []) if (formatCidr(one) === text) return true;
  return false;
}
