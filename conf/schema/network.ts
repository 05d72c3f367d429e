/**
 * The keys of a network configuration: those of the specification (SPEC.md 1.1.0, section 1), those of the reference's
 * bridge with the same meanings, and ours. `ipam` is described in ipam.ts, according to its type.
 */
import { anyIpam, storeKeys } from "./ipam.ts";
import { args, runtimeConfig } from "./runtime.ts";
import { choice, flag, list, object, oneOf, text, whole } from "./schema.ts";
import { dns } from "./shapes.ts";

const vlanId = (what: string) => whole(what, 1, 4094);

const vlanTrunkItem = object("One VLAN, or all of a range", {
  id: vlanId("A VLAN"),
  minID: vlanId("The first VLAN of a range"),
  maxID: vlanId("The last VLAN of a range"),
});

/** The keys of our own configuration; the specification's come with them in `network`. */
const ownKeys = {
  bridge: text("Name of the bridge; made if missing", "1 to 15 bytes without / : % or white space, and not . or .."),
  isGateway: flag("Put the gateway's address on the bridge and forward packets", false),
  isDefaultGateway: flag("Also make it the container's default gateway; implies isGateway", false),
  forceAddress: flag("Replace another address that the bridge may have", false),
  ipMasq: flag("Masquerade what leaves the network", false),
  ip6Masq: choice("Masquerade IPv6; left out: as ipMasq says"),
  ipMasqBackend: oneOf("Accepted for compatibility; nftables is used either way", "iptables", "nftables"),
  mtu: whole(
    "MTU in bytes; 0 or left out: that of the default-route interface, and for other types than ns-net at most 1500",
    0,
    65535,
    "a whole number from 68 (1280 with IPv6) to 65535, or 0 for that of the default-route interface",
  ),
  hairpinMode: choice(
    "Let the container reach itself through the bridge; left out: true for type ns-net without promiscMode, else false",
  ),
  promiscMode: flag("Make the bridge promiscuous; not together with hairpinMode", false),
  portIsolation: flag("Keep the container from talking to other isolated ports of the bridge", false),
  macspoofchk: flag("Drop frames whose source is not the container's hardware address", false),
  enabledad: flag("Let the kernel look for duplicates of IPv6 addresses, which costs a second or two", false),
  disableContainerInterface: flag("Leave the container's interface down; only without addresses", false),
  vlan: whole("VLAN of the container's untagged traffic; 0 for none", 0, 4094),
  vlanTrunk: list(
    "VLANs that the container may send and receive tagged; without vlan, untagged ones are of the bridge's default",
    vlanTrunkItem,
  ),
  preserveDefaultVlan: flag("With vlan, stay in the bridge's default VLAN, too", false),
  log: text("File that gets a line of JSON a call; NSNET_LOG in the environment does the same", "an absolute path"),
  dataDir: text("Folder of the store of addresses; default /var/lib/ns-net", "an absolute path"),
} as const;

const specKeys = {
  cniVersion: text("Version of the CNI specification that results are written in"),
  name: text("Name of the network, unique on the host"),
  type: text("Name of the plugin"),
};

export const network = object("The configuration of a network for one plugin", {
  ...specKeys,
  ...ownKeys,
  ...storeKeys,
  ipam: anyIpam,
  dns,
  runtimeConfig,
  args,
  prevResult: object("The result of the plugin before this one, written by the runtime", {}),
});
