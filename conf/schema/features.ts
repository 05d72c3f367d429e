/**
 * Keys of the reference's chained plugins. Validated only if the configuration has one of them or the plugin is called
 * by such a name; an ordinary bridge never loads their reader.
 */
import { flag, list, object, oneOf, text, whole } from "./schema.ts";
import { limits } from "./shapes.ts";

const uint32Max = 2 ** 32 - 1;
const portmap = {
  snat: flag("Masquerade what a container sends to its own ports, its neighbours' and the host's 127.0.0.1", true),
  masqAll: flag("Masquerade every connection through a mapped port", false),
  markMasqBit: whole("Accepted for compatibility: no mark is needed; not with externalSetMarkChain", 0, 31),
  externalSetMarkChain: text(
    "Accepted for compatibility: what that chain marks for masquerading is masqueraded without a mark",
  ),
  conditionsV4: list("For which packets, as iptables or nft has it: ! -d 192.0.2.0/24", text("A word")),
  conditionsV6: list("For which packets, as ip6tables or nft has it: ! -d 2001:db8::/32", text("A word")),
};

const bandwidth = {
  ...limits,
  shapedSubnets: list("Only traffic with these networks is limited", text("A network")),
  unshapedSubnets: list("Traffic with these networks is not limited", text("A network")),
};

const firewall = {
  ingressPolicy: oneOf("Who may open connections to the container", "open", "same-bridge", "isolated"),
  iptablesAdminChainName: text("Chain of iptables for a person's own rules, asked before all others"),
  firewalldZone: text("Zone of firewalld that the container's addresses go into; trusted when left out"),
};

const tuning = {
  sysctl: object("Kernel settings of the container's network namespace, by name", {}),
  mac: text("Hardware address", "a unicast address of six bytes such as c2:11:22:33:44:55"),
  mtu: whole("MTU in bytes; 0 or left out: as it is", 0, 65535),
  promisc: flag("Receive every frame", false),
  allmulti: flag("Receive every multicast frame", false),
  txQLen: whole("Length of the transmit queue in packets", 0, uint32Max),
};

export const features = object("Keys of the reference's plugins beside the bridge's", {
  backend: text(
    "firewalld: the container's addresses go into a zone of it; iptables or nftables: ns-net's rules are the same either way",
  ),
  ...portmap,
  ...bandwidth,
  ...firewall,
  ...tuning,
});
