/** Bridge keys: defaults, and combinations that are refused. */
import { familyOf } from "../../ip/address.ts";
import { badConfig } from "../fault.ts";
import { interfaceName } from "../nameRules.ts";
import { isContainerLink, ownType, type PluginType } from "../pluginType.ts";
import type { IpamConfig, NetworkConfig, VlanRange } from "./config.ts";
import type { GivenNetwork } from "./requested.ts";

export const defaultBridge = "cni0";

/** The least MTU in bytes: RFC 791; RFC 8200, section 5. */
const mtuMinIpv4 = 68;
const mtuMinIpv6 = 1280;

type BridgeConfig = Omit<
  NetworkConfig,
  | "cniVersion"
  | "name"
  | "type"
  | "dataDir"
  | "ipam"
  | "dns"
  | "aliases"
  | "mac"
  | "requestedAddresses"
  | "prevResult"
  | "link"
>;

/**
 * Throws code 7. The defaults are the reference's, except hairpinMode of type ns-net: there a container can reach
 * itself unless promiscMode forbids it.
 */
export function bridgeOf(given: GivenNetwork, ipam: IpamConfig, type: PluginType): BridgeConfig {
  const { bridge = defaultBridge, promiscMode = false, disableContainerInterface = false, vlan } = given;
  if (!interfaceName.allows(bridge)) throw badConfig("bridge", bridge, interfaceName.mustBe);
  if (promiscMode && given.hairpinMode === true) {
    throw badConfig(
      "hairpinMode",
      true,
      "false or left out when promiscMode is true: together they deliver frames twice",
    );
  }
  if (disableContainerInterface && ipam.type !== "none") {
    throw badConfig("disableContainerInterface", true, "false when the container gets addresses; ipam = {} gives none");
  }
  const mtu = mtuOf(given.mtu, ipam);
  const isDefaultGateway = given.isDefaultGateway ?? false;
  const isGateway = isDefaultGateway || (given.isGateway ?? false);
  if (vlan && isGateway && !interfaceName.allows(`${bridge}.${vlan}`)) {
    throw badConfig("bridge", bridge, `short enough for the gateway's interface ${bridge}.${vlan}: 15 bytes in all`);
  }
  return {
    // The bridge of a tap is in the container.
    bridge: isContainerLink(type) ? "" : bridge,
    isGateway,
    isDefaultGateway,
    forceAddress: given.forceAddress ?? false,
    ipMasq: given.ipMasq ?? false,
    ip6Masq: given.ip6Masq ?? given.ipMasq ?? false,
    mtu,
    hairpinMode: given.hairpinMode ?? (type === ownType && !promiscMode),
    promiscMode,
    portIsolation: given.portIsolation ?? false,
    macspoofchk: given.macspoofchk ?? false,
    enabledad: given.enabledad ?? false,
    disableContainerInterface,
    vlan: vlan || undefined,
    vlanTrunk: vlanTrunkOf(given.vlanTrunk ?? []),
    preserveDefaultVlan: given.preserveDefaultVlan ?? false,
  };
}

/** Go programs write 0 for "not set". */
function mtuOf(mtu: number | undefined, ipam: IpamConfig): number | undefined {
  if (mtu === undefined || mtu === 0) return undefined;
  const [least, why] = givesIpv6(ipam) ? [mtuMinIpv6, ", because the network has IPv6"] : [mtuMinIpv4, ""];
  if (mtu < least) throw badConfig("mtu", mtu, `a whole number from ${least} to 65535${why}`);
  return mtu;
}

export function givesIpv6(ipam: IpamConfig): boolean {
  if (ipam.type === "static") return ipam.addresses.some(({ address }) => familyOf(address) === 6);
  return "rangeSets" in ipam && ipam.rangeSets.some(([range]) => familyOf(range!.subnet) === 6);
}

function vlanTrunkOf(items: NonNullable<GivenNetwork["vlanTrunk"]>): readonly VlanRange[] {
  const ranges: VlanRange[] = [];
  for (let i = 0; i < items.length; i++) {
    const { id, minID, maxID } = items[i]!;
    const path = `vlanTrunk[${i}]`;
    if ((minID === undefined) !== (maxID === undefined)) {
      const missing = minID === undefined ? "minID" : "maxID";
      throw badConfig(`${path}.${missing}`, undefined, "given: minID and maxID go together");
    }
    if (id === undefined && minID === undefined) {
      throw badConfig(path, items[i], "an object with id, or with minID and maxID");
    }
    if (minID !== undefined && maxID! < minID) throw badConfig(`${path}.maxID`, maxID, `at least minID ${minID}`);
    if (minID !== undefined) ranges.push({ minID, maxID: maxID! });
    if (id !== undefined) ranges.push({ minID: id, maxID: id });
  }
  return ranges;
}
