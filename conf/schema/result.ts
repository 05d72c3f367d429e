/** Results of other plugins and of `prevResult`. `interface` may be -1: some plugins write it for "none". */
import { list, object, text, whole } from "./schema.ts";
import { dns, route } from "./shapes.ts";

const address = text("Address with prefix length", "an address with prefix length such as 10.1.0.7/24");
const gateway = text("Address of the gateway", "an address");
const routes = list("Routes of the container", route);

const resultInterface = object(
  "An interface that was made or changed",
  {
    name: text("Name of the interface"),
    mac: text("Hardware address"),
    mtu: whole("MTU in bytes", 0, 2 ** 32 - 1),
    sandbox: text("Path of the network namespace; left out for an interface of the host"),
    socketPath: text("Path of a socket, for a user-space interface"),
    pciID: text("Identifier of a PCI device"),
  },
  ["name"],
);

const resultAddress = object(
  "An address of the container",
  { address, gateway, interface: whole("Index of its interface", -1, 2 ** 31 - 1) },
  ["address"],
);

/** Versions 0.3.0 and later. */
export const result = object("The result of ADD", {
  interfaces: list("Interfaces", resultInterface),
  ips: list("Addresses", resultAddress),
  routes,
  dns,
});

const oldAddress = object("The address of one family, with its routes", { ip: address, gateway, routes }, ["ip"]);

/** Versions 0.1.0 and 0.2.0. */
export const oldResult = object("The result of ADD before version 0.3.0", { ip4: oldAddress, ip6: oldAddress, dns });
