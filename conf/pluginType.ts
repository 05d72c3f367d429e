/** Types of plugin whose interface leaves nothing on the host. */
const containerLinkTypes = ["macvlan", "ipvlan", "vlan", "host-device", "dummy", "tap"] as const;

/** Types that work on what another plugin made. */
const chainedTypes = ["portmap", "firewall", "bandwidth", "tuning", "sbr", "vrf"] as const;

/** The names under which the executable can be called: the types of plugin that it is. */
export const pluginTypes = [
  ...["ns-net", "bridge", "ptp", "loopback"],
  ...containerLinkTypes,
  ...["host-local", "static"],
  ...chainedTypes,
] as const;

export type PluginType = (typeof pluginTypes)[number];

export const ownType = "ns-net";

/** The type that a path's last part names; anything else is ns-net, under whatever name it was installed. */
export function typeCalled(path: string): PluginType {
  const name = lastPart(path);
  return isPluginType(name) ? name : ownType;
}

/** The last part of a path: the name of what lies there. */
export function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * Called by a name, it is that plugin: a delegate is given a configuration that says its caller's type. Called as
 * `ns-net` it is what the configuration says.
 */
export function typeMeant(written: unknown, calledAs: PluginType): PluginType {
  return calledAs === ownType && isPluginType(written) ? written : calledAs;
}

/** True when nothing of an attachment is on the host, so that only its namespace tells of it. */
export function isContainerLink(type: PluginType): boolean {
  return (containerLinkTypes as readonly PluginType[]).includes(type);
}

/** True when it makes no interface and gives no address: it reads its own keys and no IPAM's. */
export function isChained(type: PluginType): boolean {
  return type === "loopback" || (chainedTypes as readonly PluginType[]).includes(type);
}

function isPluginType(name: unknown): name is PluginType {
  return (pluginTypes as readonly unknown[]).includes(name);
}
