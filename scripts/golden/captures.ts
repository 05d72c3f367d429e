/** What test/golden/ holds: commands whose bytes on the wire are the truth for our codecs. A file a row. */
export interface Capture {
  readonly name: string;
  /** Run before, not captured. */
  readonly given?: readonly string[];
  /** One command line, or an nft script when it does not start with `ip`. */
  readonly command: string;
  /** This kernel may refuse it: the bytes were sent all the same. */
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
];

const table = "add table inet ns-net";
const chain = "add chain inet ns-net postrouting { type nat hook postrouting priority srcnat; policy accept; }";
const plain = "add chain inet ns-net net-1";
const outside4 = "ip saddr 10.1.0.0/16 ip daddr != 10.1.0.0/16 ip daddr != 224.0.0.0/4";
const outside6 = "ip6 saddr fd00:1::/64 ip6 daddr != fd00:1::/64 ip6 daddr != ff00::/8";

const nfTables: readonly Capture[] = [
  { name: "nft-table", command: `${table} { comment "made by ns-net"; }` },
  { name: "nft-table-delete", given: [table], command: "delete table inet ns-net" },
  {
    name: "nft-chain-nat",
    given: [table],
    command:
      'add chain inet ns-net postrouting { type nat hook postrouting priority srcnat; policy accept; comment "masquerade"; }',
  },
  {
    name: "nft-chain-prerouting",
    given: [table],
    command: "add chain inet ns-net prerouting { type nat hook prerouting priority dstnat; }",
  },
  {
    name: "nft-chain-filter",
    given: [table],
    command: "add chain inet ns-net forward { type filter hook forward priority filter - 5; policy drop; }",
  },
  { name: "nft-chain-plain", given: [table], command: 'add chain inet ns-net net-1 { comment "podnet"; }' },
  { name: "nft-chain-flush", given: [table, chain], command: "flush chain inet ns-net postrouting" },
  { name: "nft-chain-delete", given: [table, chain], command: "delete chain inet ns-net postrouting" },
  { name: "nft-rule-jump", given: [table, chain, plain], command: "add rule inet ns-net postrouting jump net-1" },
  {
    name: "nft-masquerade-4",
    given: [table, chain],
    command: `add rule inet ns-net postrouting ${outside4} masquerade comment "podnet"`,
  },
  {
    name: "nft-masquerade-6",
    given: [table, chain],
    command: `add rule inet ns-net postrouting ${outside6} masquerade`,
  },
  {
    name: "nft-masquerade-random",
    given: [table, chain],
    command: "add rule inet ns-net postrouting masquerade fully-random",
  },
  {
    name: "nft-masquerade-link",
    given: [table, chain],
    command: 'add rule inet ns-net postrouting iifname "cni0" oifname != "cni0" counter masquerade',
  },
  {
    name: "nft-mark",
    given: [table, chain],
    command: "add rule inet ns-net postrouting meta mark and 0x2000 == 0x2000 masquerade",
  },
  {
    name: "nft-ct-state",
    given: [table, plain],
    command: "add rule inet ns-net net-1 ct state established,related accept",
  },
  {
    name: "nft-rule-delete",
    given: [table, plain, "add rule inet ns-net net-1 accept"],
    command: "delete rule inet ns-net net-1 handle 2",
  },
  {
    name: "nft-set-intervals",
    given: [table],
    command: "add set inet ns-net subnets { type ipv4_addr; flags interval; elements = { 10.1.0.0/16, 10.3.0.0/24 }; }",
  },
  {
    name: "nft-set-names",
    given: [table],
    command: 'add set inet ns-net ports { type ifname; elements = { "ve0" comment "web" }; }',
  },
  {
    name: "nft-set-element",
    given: [table, 'add set inet ns-net pods { type ipv4_addr; comment "pods"; }'],
    command: 'add element inet ns-net pods { 10.1.0.2 comment "web eth0" }',
  },
  {
    name: "nft-set-element-delete",
    given: [table, "add set inet ns-net pods { type ipv4_addr; }", "add element inet ns-net pods { 10.1.0.2 }"],
    command: "delete element inet ns-net pods { 10.1.0.2 }",
  },
  {
    name: "nft-set-lookup",
    given: [table, chain, "add set inet ns-net subnets { type ipv4_addr; flags interval; }"],
    command: "add rule inet ns-net postrouting ip saddr @subnets ip daddr != @subnets masquerade",
  },
  {
    name: "nft-map-concatenated",
    given: [table],
    command:
      "add map inet ns-net published { type inet_proto . inet_service : ipv4_addr . inet_service; elements = { tcp . 8080 : 10.1.0.2 . 80 }; }",
  },
  {
    name: "nft-map-concatenated-intervals",
    given: [table],
    command:
      "add map inet ns-net published { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; flags interval; elements = { 0.0.0.0/0 . tcp . 8080-8090 : 10.1.0.2 . 80 }; }",
  },
  {
    name: "nft-dnat-map",
    given: [
      table,
      "add chain inet ns-net prerouting { type nat hook prerouting priority dstnat; }",
      "add map inet ns-net published { type inet_proto . inet_service : ipv4_addr . inet_service; }",
    ],
    command: "add rule inet ns-net prerouting fib daddr type local dnat ip to meta l4proto . th dport map @published",
  },
  {
    name: "nft-dnat",
    given: [table, "add chain inet ns-net prerouting { type nat hook prerouting priority dstnat; }"],
    command: "add rule inet ns-net prerouting fib daddr type local tcp dport 8080 dnat ip to 10.1.0.2:80",
  },
  {
    name: "nft-dnat-6",
    given: [table, "add chain inet ns-net prerouting { type nat hook prerouting priority dstnat; }"],
    command: "add rule inet ns-net prerouting fib daddr type local tcp dport 8080 dnat ip6 to [fd00:1::2]:80",
  },
  {
    name: "nft-verdict-map",
    given: [table, plain, "add chain inet ns-net published", "add map inet ns-net networks { type ifname : verdict; }"],
    command: 'add element inet ns-net networks { "cni0" : jump net-1 }',
  },
  {
    name: "nft-verdict-map-rule",
    given: [table, plain, "add chain inet ns-net published", "add map inet ns-net networks { type ifname : verdict; }"],
    command: "add rule inet ns-net published oifname vmap @networks",
  },
];

export const captures: readonly Capture[] = [...rtnetlink, ...nfTables];
