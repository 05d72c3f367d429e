/** Needs of tests that some machines lack. Probed, never assumed: `needs(this, "vlan", "nft")` skips with a message. */
import { join } from "node:path";
import { findProgram, ufwFolder, unpackedFolder } from "../../scripts/setup/tools.mjs";
import { freshNetns, type Netns, needsSandbox } from "./sandbox.ts";
import { skip } from "./skip.ts";

type Probe = (ns: Netns) => unknown;

const link =
  (...kind: string[]): Probe =>
  (ns) =>
    ns.ip("link", "add", "probe0", "type", ...kind);

/** A link on top of another. */
const linkOver =
  (...kind: string[]): Probe =>
  (ns) => {
    ns.ip("link", "add", "below0", "type", "veth", "peer", "name", "below1");
    ns.ip("link", "add", "probe0", "link", "below0", "type", ...kind);
  };

const nft =
  (script: string): Probe =>
  (ns) =>
    ns.nft(script);

const kernel = {
  bridge: link("bridge"),
  "vlan filtering": link("bridge", "vlan_filtering", "1"),
  vlan: linkOver("vlan", "id", "5"),
  macvlan: linkOver("macvlan", "mode", "bridge"),
  ipvlan: linkOver("ipvlan", "mode", "l2"),
  dummy: link("dummy"),
  tap: (ns) => ns.run("ip", "tuntap", "add", "mode", "tap", "name", "probe0"),
  vrf: link("vrf", "table", "10"),
  vxlan: link("vxlan", "id", "5", "dstport", "4789"),
  ifb: link("ifb"),
  bond: link("bond"),
  wireguard: link("wireguard"),
  ipv6: (ns) => ns.ip("address", "add", "fd00::1/128", "dev", "lo", "nodad"),
  "nft nat": nft(
    "add table inet t; add chain inet t c { type nat hook postrouting priority 100; }; add rule inet t c masquerade",
  ),
  "nft bridge": nft("add table bridge t; add chain bridge t c { type filter hook prerouting priority -300; }"),
  "nft fib": nft("add table inet t; add chain inet t c; add rule inet t c fib daddr type local accept"),
  "nft queue": nft("add table inet t; add chain inet t c; add rule inet t c queue num 5"),
  "iptables bpf": (ns) => ns.run("iptables-nft", "-A", "INPUT", "-m", "bpf", "--bytecode", "1,6 0 0 0", "-j", "DROP"),
  "iptables-legacy": (ns) => ns.run("iptables-legacy", "-A", "INPUT", "-j", "ACCEPT"),
  tracefs: (ns) => ns.run("unshare", "--mount", "mount", "-t", "tracefs", "tracefs", "/mnt"),
  netem: (ns) => ns.run("tc", "qdisc", "add", "dev", "lo", "root", "netem"),
  tbf: (ns) => {
    ns.ip("link", "add", "probe0", "type", "veth", "peer", "name", "probe1");
    ns.run("tc", "qdisc", "add", "dev", "probe0", "root", "tbf", "rate", "1mbit", "burst", "10k", "latency", "25ms");
  },
} satisfies Record<string, Probe>;

const programs = {
  ip: "ip",
  nft: "nft",
  ping: "ping",
  socat: "socat",
  tshark: "tshark",
  strace: "strace",
  conntrack: "conntrack",
  iptables: "iptables",
  udhcpd: "busybox",
  dot: "dot",
  chromium: "chromium",
  "dbus-daemon": "dbus-daemon",
  "dbus-send": "dbus-send",
  firewalld: join(unpackedFolder, "usr/sbin/firewalld"),
  ufw: join(ufwFolder, "usr/sbin/ufw"),
  "reference plugins": "/usr/lib/cni/bridge",
  "ns-net": `${import.meta.dirname}/../../dist/ns-net`,
  "ns-net-launcher": `${import.meta.dirname}/../../dist/ns-net-launcher`,
  curl: "curl",
  "systemd-analyze": "systemd-analyze",
  "aarch64-linux-gnu-gcc": "aarch64-linux-gnu-gcc",
  "qemu-aarch64": "qemu-aarch64",
} satisfies Record<string, string>;

export type Need = keyof typeof kernel | keyof typeof programs;

const answers = new Map<Need, string | undefined>();

/** Why this machine cannot serve the need; undefined if it can. Probed once a process. */
function lacks(need: Need): string | undefined {
  if (need in programs) {
    const program = programs[need as keyof typeof programs];
    return findProgram(program) === undefined ? `no program ${program}` : undefined;
  }
  using ns = freshNetns("probe");
  try {
    (kernel[need as keyof typeof kernel] as Probe)(ns);
    return undefined;
  } catch (error) {
    const reason = (error as Error).message.split("\n")[0]?.replace(/^.*?: /, "");
    return `this kernel or machine cannot do ${need} (${reason})`;
  }
}

/** Skips with a message if the machine has what the test needs to be missing. */
export function needsLack(context: Mocha.Context, need: Need): void {
  needsSandbox(context);
  if (lacks(need) === undefined) skip(context, `this kernel or machine can do ${need}`);
}

/** Skips the test, or from `before` the suite, naming the first missing need. A kernel need implies the sandbox. */
export function needs(context: Mocha.Context, ...wanted: readonly Need[]): void {
  if (wanted.some((need) => need in kernel)) needsSandbox(context);
  for (const need of wanted) {
    if (!answers.has(need)) answers.set(need, lacks(need));
    const reason = answers.get(need);
    if (reason !== undefined) skip(context, reason);
  }
}
