/** The configurations of the oracle: each plugin type, dual stack, VLANs, ports, chains, takeover. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ListedPlugin } from "../support/libcni.ts";
import type { Need } from "../support/needs.ts";
import type { Stage } from "./stage.ts";

export interface Published {
  readonly portMappings: readonly { readonly hostPort: number; readonly [key: string]: unknown }[];
}

export interface Scenario {
  /** Also the name of its recording. */
  readonly name: string;
  readonly needs: readonly Need[];
  /** A network's plugins in order. Each runs under the name of its type. */
  readonly plugins: readonly ListedPlugin[];
  readonly runtimeConfig?: Published;
  /** An interface that another plugin, or the host, has before ADD. */
  prepare?(stage: Stage): void;
  /** The result of a plugin before the first one. */
  readonly prevResult?: object;
  /** Only `--dry-run`: for kinds that this kernel may lack. */
  readonly isOnlyPrinted?: boolean;
  /** The reference's plugins create the first attachment; ns-net takes over the node. */
  readonly isTakenOver?: boolean;
}

const ipv4 = { type: "host-local", ranges: [[{ subnet: "10.7.0.0/24" }]], routes: [{ dst: "0.0.0.0/0" }] };
const dual = {
  type: "host-local",
  ranges: [[{ subnet: "10.7.0.0/24" }], [{ subnet: "fd07::/64" }]],
  routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
};
const bridge = { type: "bridge", bridge: "br0", isDefaultGateway: true, ipam: ipv4 };
const masquerading = { ...bridge, ipMasq: true, hairpinMode: true };
const published = {
  portMappings: [
    { hostPort: 8080, containerPort: 80, protocol: "tcp" },
    { hostPort: 5353, containerPort: 53, protocol: "udp", hostIP: "192.0.2.2" },
  ],
};
const limits = { ingressRate: 80_000_000, ingressBurst: 8_000_000, egressRate: 80_000_000, egressBurst: 8_000_000 };
const portmap = { type: "portmap", capabilities: { portMappings: true }, snat: true };
const tuning = { type: "tuning", sysctl: { "net.core.somaxconn": "500" }, mtu: 1400, mac: "c2:11:22:33:44:55" };

const withUplink = (stage: Stage) => {
  const [up0, far0] = ["0a:00:00:00:00:01", "0a:00:00:00:00:02"];
  stage.host.ip("link", "add", "up0", "address", up0, "type", "veth", "peer", "name", "far0", "address", far0);
  stage.host.ip("address", "add", "192.0.2.2/24", "dev", "up0");
  for (const name of ["up0", "far0"]) stage.host.ip("link", "set", name, "up");
};

/** A program as an IPAM plugin. It answers every ADD with one address. */
const withDelegate = (type: string) => (stage: Stage) => {
  withUplink(stage);
  const answer = { cniVersion: "1.0.0", ips: [{ address: "10.7.0.9/24", gateway: "10.7.0.1" }], routes: [], dns: {} };
  const path = join(stage.binFolder, type);
  const script = `#!/bin/sh\nread -r line\nif [ "$CNI_COMMAND" = ADD ]; then echo '${JSON.stringify(answer)}'; fi\n`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
};

const basic: readonly Need[] = ["ns-net", "bridge", "ipv6", "nft nat", "nft fib"];
const whole: readonly Need[] = [...basic, "tbf", "ifb"];
const reference: readonly Need[] = [...whole, "iptables", "reference plugins"];

export const scenarios: readonly Scenario[] = [
  { name: "plain", needs: basic, plugins: [{ type: "ns-net", bridge: "br0", ipam: { type: "ns-net" } }] },
  {
    name: "dual-stack-masquerade",
    needs: basic,
    plugins: [{ type: "ns-net", bridge: "br0", isDefaultGateway: true, ipMasq: true, ipam: dual }],
  },
  {
    name: "published-ports",
    needs: basic,
    prepare: withUplink,
    plugins: [{ ...masquerading, type: "ns-net", capabilities: { portMappings: true } }],
    runtimeConfig: published,
  },
  {
    name: "every-feature",
    needs: [...whole, "nft bridge"],
    prepare: withUplink,
    plugins: [
      {
        ...{ ...masquerading, type: "ns-net", ipam: dual, ingressPolicy: "isolated", macspoofchk: true, ...limits },
        ...{ sysctl: { "net.core.somaxconn": "500" }, promiscMode: false, capabilities: { portMappings: true } },
      },
    ],
    runtimeConfig: published,
  },
  { name: "bridge-layer2", needs: basic, plugins: [{ type: "bridge", bridge: "br0", ipam: {} }] },
  {
    name: "bridge-static-ipam",
    needs: basic,
    plugins: [{ ...bridge, ipam: { type: "static", addresses: [{ address: "10.7.0.9/24", gateway: "10.7.0.1" }] } }],
  },
  {
    name: "bridge-delegated-ipam",
    needs: basic,
    prepare: withDelegate("other-ipam"),
    plugins: [{ ...bridge, ipam: { type: "other-ipam" } }],
  },
  {
    name: "bridge-dhcp",
    needs: basic,
    prepare: withDelegate("dhcp"),
    plugins: [{ type: "bridge", bridge: "br0", isGateway: true, ipam: { type: "dhcp" } }],
  },
  {
    name: "bridge-spoof-check",
    needs: [...basic, "nft bridge"],
    plugins: [{ ...bridge, macspoofchk: true, portIsolation: true }],
  },
  {
    name: "bridge-vlan",
    needs: basic,
    plugins: [{ type: "bridge", bridge: "br0", vlan: 100, isGateway: true, ipam: ipv4 }],
    isOnlyPrinted: true,
  },
  {
    name: "bridge-after-another-plugin",
    needs: basic,
    prepare: withUplink,
    plugins: [{ ...masquerading, ipam: {} }],
    prevResult: {
      cniVersion: "1.0.0",
      interfaces: [{ name: "far0", mac: "0a:00:00:00:00:02" }],
      ips: [{ address: "10.7.0.9/24", gateway: "10.7.0.1", interface: 0 }],
    },
  },
  { name: "ptp", needs: basic, plugins: [{ type: "ptp", ipMasq: true, ipam: dual }] },
  {
    name: "macvlan",
    needs: [...basic, "macvlan"],
    prepare: withUplink,
    plugins: [{ type: "macvlan", master: "up0", ipam: dual }],
  },
  {
    name: "host-device",
    needs: basic,
    prepare: withUplink,
    plugins: [{ type: "host-device", device: "far0", ipam: ipv4 }],
  },
  {
    name: "tap",
    needs: [...basic, "tap"],
    plugins: [{ type: "tap", multiQueue: true, mac: "c2:11:22:33:44:55", ipam: ipv4 }],
  },
  ...(["ipvlan", "vlan", "dummy"] as const).map((type): Scenario => {
    const more = { ipvlan: { master: "up0", mode: "l3" }, vlan: { master: "up0", vlanId: 101 }, dummy: {} }[type];
    return {
      name: type,
      needs: basic,
      prepare: withUplink,
      plugins: [{ type, ...more, ipam: dual }],
      isOnlyPrinted: true,
    };
  }),
  { name: "loopback", needs: basic, plugins: [{ type: "loopback" }] },
  { name: "host-local-by-name", needs: basic, plugins: [{ type: "host-local", ipam: dual }] },
  {
    name: "static-by-name",
    needs: basic,
    plugins: [{ type: "static", ipam: { type: "static", addresses: [{ address: "10.7.0.9/24" }] } }],
  },
  {
    name: "chain-of-five",
    needs: whole,
    prepare: withUplink,
    plugins: [masquerading, portmap, { type: "firewall" }, { type: "bandwidth", ...limits }, tuning],
    runtimeConfig: published,
  },
  {
    name: "chain-firewall-ingress-policy",
    needs: basic,
    plugins: [
      { ...masquerading, ipam: dual },
      { type: "firewall", ingressPolicy: "same-bridge" },
    ],
  },
  {
    name: "chain-portmap-conditions",
    needs: basic,
    prepare: withUplink,
    plugins: [
      masquerading,
      { ...portmap, masqAll: true, conditionsV4: ["!", "-d", "192.0.2.0/24"], conditionsV6: ["!", "-d", "fc00::/7"] },
    ],
    runtimeConfig: published,
  },
  {
    name: "chain-sbr",
    needs: [...basic, "macvlan"],
    prepare: withUplink,
    plugins: [{ type: "macvlan", master: "up0", ipam: dual }, { type: "sbr" }],
  },
  {
    name: "takeover-of-a-chain",
    needs: reference,
    prepare: withUplink,
    isTakenOver: true,
    plugins: [masquerading, portmap, { type: "firewall", backend: "iptables" }, { type: "bandwidth", ...limits }],
    runtimeConfig: published,
  },
  {
    name: "takeover-of-ptp",
    needs: reference,
    isTakenOver: true,
    plugins: [
      { type: "ptp", ipMasq: true, ipam: ipv4 },
      { type: "tuning", mtu: 1400 },
    ],
  },
];
