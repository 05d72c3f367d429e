/** Keys of the types that create or take an interface other than a veth. Throws codes 2 and 7. */
import { formatAddress, parseAddress } from "../../ip/address.ts";
import { badConfig, unserved } from "../fault.ts";
import { absolutePath, interfaceName } from "../nameRules.ts";
import type { PluginType } from "../pluginType.ts";
import type { links } from "../schema/links.ts";
import type { Accepted } from "../schema/schema.ts";
import { validated } from "../schema/validate.ts";
import { deviceKeys, type InterfaceKeys } from "./config.ts";
import { canonicalMac, type GivenNetwork, macMustBe } from "./requested.ts";

type Given = Accepted<typeof links>;

/** The first is the default. */
const modes: { readonly [T in PluginType]?: readonly string[] } = {
  macvlan: ["bridge", "private", "vepa", "passthru"],
  ipvlan: ["l2", "l3", "l3s"],
};

export function linkKeysOf(
  network: GivenNetwork,
  type: PluginType,
): { readonly link: InterfaceKeys; readonly mac: string | undefined } {
  const given = validated("links", network, "");
  const { master, vrfname, owner, group, table, bcqueuelen } = given;
  for (const [key, name] of Object.entries({ master, vrfname, bridge: network.bridge })) {
    if (name && !interfaceName.allows(name)) throw badConfig(key, name, interfaceName.mustBe);
  }
  if (type === "vlan" && !master) throw badConfig("master", master, "the name of the interface that carries the VLAN");
  if (type === "vrf" && !vrfname) throw badConfig("vrfname", vrfname, interfaceName.mustBe);
  if (type === "host-device" && given.useInterfaceNetwork)
    throw unserved("useInterfaceNetwork", true, 'Name its addresses and routes in ipam of type "static"');
  const mode = modeOf(given, type);
  const mac = given.mac ? canonicalMac(given.mac) : undefined;
  if (given.mac && !mac) throw badConfig("mac", given.mac, macMustBe);
  const device = type === "host-device" ? deviceOf(given, network) : undefined;
  const link: InterfaceKeys = {
    master: master || undefined,
    mode,
    linkInContainer: given.linkInContainer ?? false,
    bcqueuelen: bcqueuelen || undefined,
    vlanId: given.vlanId ?? 0,
    device,
    multiQueue: given.multiQueue ?? false,
    owner,
    group,
    selinuxContext: given.selinuxContext || undefined,
    bridge: network.bridge || undefined,
    table: table || undefined,
    gateways: gatewaysOf(given.gateways ?? []),
    addSourceHints: given.addSourceHints ?? false,
    vrfName: vrfname || undefined,
  };
  return { link, mac };
}

function modeOf({ mode }: Given, type: PluginType): string | undefined {
  const known = modes[type];
  if (known === undefined) return undefined;
  if (!mode) return known[0];
  if (!known.includes(mode)) throw badConfig("mode", mode, known.map((one) => `"${one}"`).join(" or "));
  return mode;
}

/** In sysfs a device address is the name of a folder. */
const folderName = /^[a-zA-Z0-9][a-zA-Z0-9_.:-]*$/;

const mustBe: Readonly<
  Record<(typeof deviceKeys)[number], readonly [words: string, allows: (text: string) => boolean]>
> = {
  deviceID: ["the address of a PCI device or the name of an auxiliary one", (text) => folderName.test(text)],
  device: [interfaceName.mustBe, interfaceName.allows],
  hwaddr: ["an address of six bytes such as c2:11:22:33:44:55", (text) => canonicalMac(text) !== undefined],
  kernelpath: [
    "a path below /sys/devices/",
    (text) => absolutePath.allows(text) && text.startsWith("/sys/devices/") && !text.split("/").includes(".."),
  ],
  pciBusID: ["an address such as 0000:00:1f.6", (text) => folderName.test(text)],
};

/**
 * The runtime's choice goes before the configuration's. If that has several of these keys, the first counts, as in the
 * reference.
 */
function deviceOf(given: Given, { runtimeConfig }: GivenNetwork): InterfaceKeys["device"] {
  const written = { ...given, deviceID: runtimeConfig?.deviceID };
  const key = deviceKeys.find((one) => written[one]);
  if (key === undefined) {
    throw badConfig(
      "device",
      undefined,
      "given, or one of hwaddr, kernelpath and pciBusID: the device that the container gets",
    );
  }
  const value = written[key]!;
  const [words, allows] = mustBe[key];
  if (!allows(value)) throw badConfig(key === "deviceID" ? "runtimeConfig.deviceID" : key, value, words);
  return { key, value: key === "hwaddr" ? canonicalMac(value)! : value };
}

function gatewaysOf(texts: readonly string[]): readonly string[] {
  const families = new Set<number>();
  return texts.map((text, i) => {
    const gateway = parseAddress(text);
    if (!gateway) throw badConfig(`gateways[${i}]`, text, "an address such as 10.1.0.1");
    if (families.has(gateway.family)) throw badConfig("gateways", texts, "at most one IPv4 and one IPv6 address");
    families.add(gateway.family);
    return formatAddress(gateway);
  });
}
