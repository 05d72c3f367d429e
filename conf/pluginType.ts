/** Types whose interface leaves nothing on the host. */
const containerLinkTypes = ["macvlan", "ipvlan", "vlan", "host-device", "dummy", "tap"] as const;

/** Types that change what another plugin created. */
const chainedTypes = ["portmap", "firewall", "bandwidth", "tuning", "sbr", "vrf"] as const;

/** The names under which the executable can be called: the plugin types that it implements. */
export const pluginTypes = [
  ...["ns-net", "bridge", "ptp", "loopback"],
  ...containerLinkTypes,
  ...["host-local", "static"],
  ...chainedTypes,
] as const;

export type PluginType = (typeof pluginTypes)[number];

export const ownType = "ns-net";

/** The type named by a path's last part; ns-net for any other name. */
export function typeCalled(path: string): PluginType {
  const name = lastPart(path);
  return isPluginType(name) ? name : ownType;
}

/** The last part of a path. */
export function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * The name by which the executable was called decides. Called as `ns-net`, the configuration's `type` decides. (A
 * delegate gets its caller's configuration.)
 */
export function typeMeant(written: unknown, calledAs: PluginType): PluginType {
  return calledAs === ownType && isPluginType(written) ? written : calledAs;
}

/** True if an attachment of this type leaves nothing on the host, so only its namespace shows it. */
export function isContainerLink(type: PluginType): boolean {
  return (containerLinkTypes as readonly PluginType[]).includes(type);
}

/** True if the type creates no interface and gives no address: it reads its own keys and no `ipam`. */
export function isChained(type: PluginType): boolean {
  return type === "loopback" || (chainedTypes as readonly PluginType[]).includes(type);
}

/** True if the type makes the bridge that its configuration names. */
export function makesBridge(type: unknown): boolean {
  return type === ownType || type === "bridge";
}

function isPluginType(name: unknown): name is PluginType {
  return (pluginTypes as readonly unknown[]).includes(name);
}
