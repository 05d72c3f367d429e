/** The captures of nft, a line of its language each. */
import type { Capture } from "./captures.ts";

const table = "add table inet ns-net";
const chain = "add chain inet ns-net postrouting { type nat hook postrouting priority srcnat; policy accept; }";
const plain = "add chain inet ns-net net-1";
const outside4 = "ip saddr 10.1.0.0/16 ip daddr != 10.1.0.0/16 ip daddr != 224.0.0.0/4";
const outside6 = "ip6 saddr fd00:1::/64 ip6 daddr != fd00:1::/64 ip6 daddr != ff00::/8";

export const nfTables: readonly Capture[] = [
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
    name: "nft-bridged",
    given: [table, chain],
    command: 'add rule inet ns-net postrouting iif 0 meta oifkind "bridge" fib saddr type != local return',
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
    name: "nft-dnat-map-any4",
    given: [
      table,
      "add chain inet ns-net ports",
      "add map inet ns-net ports4 { type inet_proto . inet_service : ipv4_addr . inet_service; }",
    ],
    command: "add rule inet ns-net ports meta nfproto ipv4 dnat ip to meta l4proto . th dport map @ports4",
  },
  {
    name: "nft-dnat-map-exact4",
    given: [
      table,
      "add chain inet ns-net ports",
      "add map inet ns-net ports4-at { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }",
    ],
    command:
      "add rule inet ns-net ports meta nfproto ipv4 dnat ip to ip daddr . meta l4proto . th dport map @ports4-at",
  },
  {
    name: "nft-dnat-map-exact6",
    given: [
      table,
      "add chain inet ns-net ports",
      "add map inet ns-net ports6-at { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }",
    ],
    command:
      "add rule inet ns-net ports meta nfproto ipv6 ip6 daddr != ::1 dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports6-at",
  },
  {
    name: "nft-ingress-pair",
    given: [table, plain, "add set inet ns-net pairs { typeof iifname . oifname; }"],
    command: "add rule inet ns-net net-1 iifname . oifname @pairs accept",
  },
  {
    name: "nft-ingress-bridge",
    given: [table, plain],
    command: 'add rule inet ns-net net-1 meta iifkind "bridge" ct status & dnat == 0 drop',
  },
  {
    name: "nft-bridge-chain",
    given: ["add table bridge ns-net"],
    command: "add chain bridge ns-net spoofed { type filter hook prerouting priority -300; policy accept; }",
  },
  {
    name: "nft-bridge-spoofed",
    given: [
      "add table bridge ns-net",
      "add chain bridge ns-net spoofed",
      "add set bridge ns-net genuine { type ifname . ether_addr; }",
    ],
    command: "add rule bridge ns-net spoofed iifname . ether saddr @genuine accept",
  },
  {
    name: "nft-bridge-genuine",
    given: ["add table bridge ns-net"],
    command:
      'add set bridge ns-net genuine { type ifname . ether_addr; elements = { "ve0" . 0a:00:00:00:00:01 comment "web" }; }',
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
