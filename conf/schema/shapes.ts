/** Objects that occur in several places of a configuration and of a result. */
import { list, object, text, whole } from "./schema.ts";

const uint32Max = 2 ** 32 - 1;

export const dns = object("Name resolution, handed to the runtime in the result", {
  nameservers: list("Addresses of DNS servers, in order of preference", text("An address")),
  domain: text("Local domain, used for short names"),
  search: list("Domains to search for short names, in order", text("A domain")),
  options: list("Options for the resolver, as in resolv.conf", text("An option")),
});

export const route = object(
  "A route in the container",
  {
    dst: text("Destination network in CIDR notation", "a network such as 10.2.0.0/16 or 0.0.0.0/0"),
    gw: text("Address of the next hop; without it the gateway of the address is used", "an address"),
    gws: list("Next hops of a route by several ways; not served", text("An address", "an address")),
    mtu: whole("Path MTU in bytes; 0 or left out: that of the interface", 0, 65535),
    advmss: whole("TCP segment size to advertise, in bytes; 0 or left out: the kernel's choice", 0, 65535),
    priority: whole("Metric: the lowest wins; 0 or left out: the kernel's default", 0, uint32Max),
    table: whole("Number of the routing table; left out: main", 0, uint32Max),
    scope: whole("0 global, 253 link, 254 host", 0, 255),
  },
  ["dst"],
);

/** Also the flat keys of `ipam`, where `subnet` may be left out. */
export const rangeKeys = {
  subnet: text("Network in CIDR notation", "a network such as 10.1.0.0/24 or 2001:db8::/64"),
  rangeStart: text("First address to give; left out: the first usable of the subnet", "an address within the subnet"),
  rangeEnd: text("Last address to give; left out: the last usable of the subnet", "an address within the subnet"),
  gateway: text(
    "Address of the gateway; left out: the first of the subnet",
    "an address within the subnet, or an IPv6 link-local one",
  ),
};

export const range = object("A range of addresses within a subnet", rangeKeys, ["subnet"]);

const rangeSet = list("Ranges that are tried in order for one address; all of one family", range, {
  minItems: 1,
  mustBe: 'a list of at least one range such as {"subnet": "10.1.0.0/24"}',
});

export const rangeSets = list("Range sets; the container gets one address of each", rangeSet, {
  mustBe: 'a list of lists of ranges such as [[{"subnet": "10.1.0.0/24"}]]',
});

const rate = (what: string, partner: string) =>
  whole(`${what}; with ${partner}, or both 0 for no limit`, 0, Number.MAX_SAFE_INTEGER);

/** Limits of traffic, as a configuration and a runtime write them. */
export const limits = {
  ingressRate: rate("Rate into the container in bit/s", "ingressBurst"),
  ingressBurst: rate("Burst into the container in bits", "ingressRate"),
  egressRate: rate("Rate out of the container in bit/s", "egressBurst"),
  egressBurst: rate("Burst out of the container in bits", "egressRate"),
};
