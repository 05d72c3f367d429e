/** The steps of a lab besides those of the plugin: settings of its namespaces, and what its networks forbid. Pure. */
import { formatAddress } from "../../ip/address.ts";
import type { Step } from "../../step/index.ts";
import { blockOf } from "../model/hosts.ts";
import type { Host, Lab, Pod } from "../model/lab.ts";
import { bridgeOf, defaultOf } from "./configuration.ts";

type Settings = Readonly<Record<string, string>>;

/** A router whose link is down for a moment would send its neighbours elsewhere, and they keep that for five minutes. */
const withoutRedirects: Settings = Object.fromEntries([
  ...["accept_redirects", "send_redirects"].flatMap((name) =>
    ["all", "default"].map((link) => [`net/ipv4/conf/${link}/${name}`, "0"]),
  ),
  ...["all", "default"].map((link) => [`net/ipv6/conf/${link}/accept_redirects`, "0"]),
]);

/** A new namespace takes over some settings from the machine, so each is set. */
const settingsOf = (forwards: readonly [ipv4: boolean, ipv6: boolean]): Settings => ({
  "net/ipv4/ip_forward": forwards[0] ? "1" : "0",
  "net/ipv6/conf/all/forwarding": forwards[1] ? "1" : "0",
  "net/ipv6/conf/all/keep_addr_on_down": "1",
  // While an interface looks for a twin of its link-local address, what it should forward waits for a second or two.
  "net/ipv6/conf/default/accept_dad": "0",
  "net/ipv4/conf/all/rp_filter": "0",
  "net/ipv4/conf/default/rp_filter": "0",
  ...withoutRedirects,
  "net/ipv4/ping_group_range": "0 0", // the root of the lab may ping without a raw socket
});

/** Bridged packets pass no rules of IP: else masquerade rewrites those between neighbours. */
const settingsOfBridges: Settings = {
  "net/bridge/bridge-nf-call-iptables": "0",
  "net/bridge/bridge-nf-call-ip6tables": "0",
  "net/bridge/bridge-nf-call-arptables": "0",
};

/** For a host, before any pod is attached. It forwards what pods send through its gateways. */
export function hostSteps({ networks, underlay }: Lab, { name: host, addresses }: Host): Step[] {
  const gateways = networks.flatMap((network) => blockOf(network, host)?.gateways ?? []);
  // The link to outside makes the only host a router, too.
  const routed = underlay ? gateways : [...gateways, ...addresses];
  const forwards = (family: 4 | 6) => routed.some((one) => one.family === family);
  return [
    ...settings({ ...settingsOf([forwards(4), forwards(6)]), ...settingsOfBridges }, "host"),
    { kind: "up", where: "host", link: "lo" },
    ...(underlay ? [] : networks.filter(({ internal }) => internal)).map(
      ({ name }): Step => ({ kind: "internalNetwork", network: name, bridge: bridgeOf(name) }),
    ),
  ];
}

/** For the namespace that is the underlay of several hosts. */
export function underlaySteps(): Step[] {
  return [
    ...settings({ ...settingsOf([false, false]), ...settingsOfBridges }, "host"),
    { kind: "up", where: "host", link: "lo" },
  ];
}

/** For a pod before it is attached, or for outside. `where` is "host" for commands inside of its namespace. */
export function podSteps(pod?: Pod, where: "host" | "container" = "container"): Step[] {
  const forwards = pod?.forwards === true;
  const own = Object.keys(pod?.sysctls ?? {}).map(sysctlPath);
  const others = Object.entries(settingsOf([forwards, forwards])).filter(([path]) => !own.includes(path));
  return [...settings(Object.fromEntries(others), where), { kind: "up", where, link: "lo" }];
}

/** The settings that the file gives a pod, which may be those of its interfaces: for a pod that is attached. */
export function sysctlSteps({ sysctls }: Pod, where: "host" | "container" = "container"): Step[] {
  return Object.entries(sysctls).map(([key, value]) => ({
    ...{ kind: "sysctl", where, path: sysctlPath(key), value },
  }));
}

/** `net.ipv4.ip_forward` → `net/ipv4/ip_forward`; a "/" in sysctl(8) is a "." in the name of an interface. */
const sysctlPath = (key: string) => key.replace(/[./]/g, (mark) => (mark === "." ? "/" : "."));

/** A host sends whatever it has no other route for to outside. `link` leads there. */
export function outsideSteps({ outside }: Lab, link: string): Step[] {
  return (outside?.addresses ?? []).map((address) => ({
    kind: "route",
    where: "host",
    link,
    dst: defaultOf[address.family],
    gw: formatAddress(address),
  }));
}

function settings(values: Settings, where: "host" | "container"): Step[] {
  return Object.entries(values).map(([path, value]) => ({ kind: "sysctl", where, path, value, ifThere: true }));
}
