/**
 * The `ipam` of the kinds that ns-net implements. Keys and meanings are those of the reference's host-local and static.
 */
import { list, object, text } from "./schema.ts";
import { dns, rangeKeys, rangeSets, route } from "./shapes.ts";

const type = text("ns-net, host-local or static (all served in-process), or the name of another IPAM plugin");
const routes = list("Routes for the container", route);

/**
 * The keys from which the store gives addresses. A network of type `ns-net` may have them at its top level, without
 * `ipam`.
 */
export const storeKeys = { ...rangeKeys, ranges: rangeSets, routes };

/** `ipam` of type `ns-net` or `host-local`. */
export const storeIpam = object("Addresses from the store of this host", {
  type,
  ...storeKeys,
  dns,
  resolvConf: text("Path of a resolv.conf whose entries are handed to the container", "the path of a file"),
  dataDir: text(
    "Folder of the leases, unless the network says dataDir; reservations of the reference's host-local there are taken over",
  ),
});

const staticAddress = object(
  "An address for the container",
  {
    address: text("Address with prefix length", "an address with prefix length such as 10.1.0.7/24"),
    gateway: text("Address of the gateway", "an address"),
  },
  ["address"],
);

/** `ipam` of type `static`. */
export const staticIpam = object("Addresses given one by one", {
  type,
  addresses: list("Addresses for the container", staticAddress),
  routes,
  dns,
});

/** Any other `ipam`: only the plugin's name matters here. */
export const anyIpam = object("The plugin that gives addresses; {} for none", { type });
