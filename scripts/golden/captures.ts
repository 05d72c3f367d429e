import { nfTables } from "./nfTables.ts";

/** The content of test/golden/, a file a row: commands whose bytes are the truth for our codecs. */
export interface Capture {
  readonly name: string;
  /** Commands that run before, and are not captured. */
  readonly given?: readonly string[];
  /** One command line, or a line for nft if it is no command of ip, bridge or tc. */
  readonly command: string;
  /** The kernel at hand may refuse it. The bytes were sent all the same. */
  readonly mayFail?: true;
}

const veth = "ip link add v0 type veth peer name v1";
const bridge = "ip link add br0 type bridge";

const rtnetlink: readonly Capture[] = [
  { name: "bridge", command: "ip link add br0 address 0a:00:00:00:00:01 mtu 1400 type bridge" },
  {
    name: "bridge-vlan-filtering",
    command: "ip link add br0 type bridge vlan_filtering 1 vlan_default_pvid 0",
    mayFail: true,
  },
  {
    name: "bridge-vlan-filtering-on",
    given: [bridge],
    command: "ip link set br0 type bridge vlan_filtering 1",
    mayFail: true,
  },
  {
    name: "port-vlan-native",
    given: [bridge, veth, "ip link set v0 master br0"],
    command: "bridge vlan add vid 100 dev v0 pvid untagged",
    mayFail: true,
  },
  {
    name: "port-vlan-range",
    given: [bridge, veth, "ip link set v0 master br0"],
    command: "bridge vlan add vid 200-210 dev v0",
    mayFail: true,
  },
  {
    name: "port-vlan-delete",
    given: [bridge, veth, "ip link set v0 master br0"],
    command: "bridge vlan del vid 1 dev v0",
    mayFail: true,
  },
  {
    name: "bridge-stp-off",
    command: "ip link add br0 group 77 type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
  },
  { name: "bridge-up", given: [bridge], command: "ip link set br0 up" },
  { name: "bridge-promisc", given: [bridge], command: "ip link set br0 promisc on" },
  {
    name: "veth-in-bridge",
    given: [bridge, "ip netns add pod"],
    command:
      "ip link add ve0 address 0a:00:00:00:00:02 mtu 1400 master br0 group 1234567 type veth peer name eth0 address 0a:00:00:00:00:03 mtu 1400 netns pod",
  },
  { name: "veth-indexes", command: "ip link add ve0 index 101 type veth peer name eth0 index 102" },
  { name: "veth-up", command: "ip link add ve0 up type veth peer name eth0" },
  {
    name: "bridge-port-flags",
    given: [bridge, veth, "ip link set v0 master br0"],
    command: "ip link set v0 type bridge_slave hairpin on isolated on",
  },
  {
    name: "bridge-port-no-flood",
    given: [bridge, veth, "ip link set v0 master br0"],
    command: "ip link set v0 type bridge_slave flood off mcast_flood off learning off",
  },
  { name: "link-master", given: [bridge, veth], command: "ip link set v0 master br0" },
  { name: "link-mtu", given: [veth], command: "ip link set v0 mtu 1300" },
  { name: "link-address", given: [veth], command: "ip link set v0 address 0a:00:00:00:00:04" },
  { name: "link-rename", given: [veth], command: "ip link set v0 name renamed0" },
  { name: "link-alias", given: [veth], command: "ip link set v0 alias web" },
  { name: "link-netns", given: [veth, "ip netns add pod"], command: "ip link set v1 netns pod" },
  { name: "link-delete", given: [veth], command: "ip link delete v0" },
  {
    name: "link-delete-group",
    given: ["ip link add v0 group 77 type veth peer name v1"],
    command: "ip link delete group 77",
  },
  { name: "vxlan", command: "ip link add vx0 type vxlan id 42 dstport 4789 local 10.0.0.1 nolearning" },
  { name: "macvlan", given: [veth], command: "ip link add m0 link v0 type macvlan mode bridge" },
  {
    name: "macvlan-in-netns",
    given: [veth, "ip netns add pod"],
    command:
      "ip link add m0 link v0 address 0a:00:00:00:00:06 mtu 1400 group 1234567 netns pod type macvlan mode private bcqueuelen 500",
  },
  { name: "ipvlan", given: [veth], command: "ip link add i0 link v0 type ipvlan mode l3s", mayFail: true },
  { name: "dummy", command: "ip link add d0 address 0a:00:00:00:00:07 type dummy", mayFail: true },
  { name: "vrf", command: "ip link add blue type vrf table 300", mayFail: true },
  {
    name: "vlan",
    given: [veth],
    command: "ip link add link v0 name v0.101 type vlan id 101 reorder_hdr on",
    mayFail: true,
  },
  { name: "address-4", given: [veth], command: "ip address add 10.1.0.2/16 broadcast 10.1.255.255 dev v0" },
  { name: "address-4-plain", given: [veth], command: "ip address add 10.1.0.2/24 dev v0" },
  { name: "address-6-nodad", given: [veth], command: "ip address add fd00:1::2/64 dev v0 nodad" },
  {
    name: "address-delete",
    given: [veth, "ip address add 10.1.0.2/24 dev v0"],
    command: "ip address delete 10.1.0.2/24 dev v0",
  },
  {
    name: "route-default-4",
    given: [veth, "ip link set v0 up", "ip address add 10.1.0.2/16 dev v0"],
    command: "ip route add default via 10.1.0.1 dev v0",
  },
  {
    name: "route-default-6",
    given: [veth, "ip link set v0 up", "ip address add fd00:1::2/64 dev v0 nodad"],
    command: "ip -6 route add default via fd00:1::1 dev v0",
  },
  {
    name: "route-metrics",
    given: [veth, "ip link set v0 up", "ip address add 10.1.0.2/16 dev v0"],
    command: "ip route add 192.168.7.0/24 via 10.1.0.1 dev v0 mtu 1300 advmss 1260 metric 50 table 300",
  },
  {
    name: "route-scope-link",
    given: [veth, "ip link set v0 up"],
    command: "ip route add 10.7.0.1/32 dev v0 scope link",
  },
  {
    name: "route-delete",
    given: [veth, "ip link set v0 up", "ip route add 10.7.0.0/24 dev v0"],
    command: "ip route delete 10.7.0.0/24 dev v0",
  },
  {
    name: "route-source",
    given: [veth, "ip link set v0 up", "ip address add 10.1.0.2/16 dev v0"],
    command: "ip route add 10.7.0.0/24 dev v0 scope link src 10.1.0.2 table 300",
  },
  { name: "rule-4", command: "ip rule add from 10.1.0.2 table 100" },
  { name: "rule-6", command: "ip -6 rule add from fd00:1::2 table 300" },
  {
    name: "rule-delete",
    given: ["ip rule add from 10.1.0.2 table 100"],
    command: "ip rule delete from 10.1.0.2 table 100",
  },
  {
    name: "neighbour",
    given: [veth, "ip link set v0 up"],
    command: "ip neighbour add 10.1.0.9 lladdr 0a:00:00:00:00:09 dev v0 nud permanent",
  },
  {
    name: "bridge-fdb",
    given: [bridge, veth, "ip link set v0 master br0"],
    command: "bridge fdb add 0a:00:00:00:00:05 dev v0 master static",
  },
  { name: "qdisc-tbf", given: [veth], command: "tc qdisc add dev v0 root tbf rate 8mbit burst 32k latency 25ms" },
  { name: "qdisc-ingress", given: [veth], command: "tc qdisc add dev v0 ingress" },
  {
    name: "filter-redirect",
    given: [veth, "ip link add i0 type ifb", "tc qdisc add dev v0 ingress"],
    command:
      "tc filter add dev v0 parent ffff: pref 1 protocol all u32 match u32 0 0 action mirred egress redirect dev i0",
  },
  {
    name: "filter-loopback",
    given: [veth, "ip link add i0 type ifb", "tc qdisc add dev v0 ingress"],
    command:
      "tc filter add dev v0 ingress pref 1 protocol all handle 800::1 u32 match u32 0x40000000 0xf0000000 at 0 " +
      "match ip dst 127.0.0.0/8 action mirred egress redirect dev i0",
  },
];

export const captures: readonly Capture[] = [...rtnetlink, ...nfTables];
