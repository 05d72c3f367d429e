/**
 * Keys that a runtime adds for one attachment: `runtimeConfig` (capabilities) and `args` (CONVENTIONS.md of
 * containernetworking/cni).
 */
import { list, object, text, whole } from "./schema.ts";
import { limits, rangeSets } from "./shapes.ts";

const ips = list(
  "Addresses asked for, each with or without prefix length",
  text("An address", "an address such as 10.1.0.7"),
);
const mac = text("Hardware address asked for", "a unicast address of six bytes such as c2:11:22:33:44:55");

const portMapping = object("A port of the host that leads to a port of the container", {
  hostPort: whole("Port of the host", 1, 65535),
  containerPort: whole("Port of the container", 1, 65535),
  protocol: text("tcp, udp or sctp"),
  hostIP: text("Address of the host; left out: all of them"),
  range: whole("How many ports in a row, counted from both; left out: one", 0, 65535),
});

const bandwidth = object("Limits seen from the container; rates in bit/s, bursts in bits", limits);

/** These names differ from those of the specification's `dns`. */
export const runtimeDns = object("Name resolution that the runtime wants for this container", {
  servers: list("Addresses of DNS servers", text("An address")),
  searches: list("Domains to search", text("A domain")),
  options: list("Options for the resolver", text("An option")),
});

export const runtimeConfig = object("Values of the capabilities, written by the runtime", {
  portMappings: list("Ports of the host that lead to the container", portMapping),
  ipRanges: rangeSets,
  bandwidth,
  dns: runtimeDns,
  ips,
  mac,
  deviceID: text("Address of a PCI device, or name of an auxiliary one, that the container is given"),
  aliases: list("Further names of the container", text("A name")),
});

export const args = object("Optional data for this attachment", {
  cni: object("Keys of CNI's own conventions", { ips, mac }),
});
