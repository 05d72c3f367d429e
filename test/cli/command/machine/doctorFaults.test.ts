/** `ns-net doctor`: faults of layout and files, and what is left of containers. Witnesses are the programs that plant. */
import { needs } from "../../../support/needs.ts";
import { needsOwnEtc } from "../../place.ts";
import { conflist, type Fault, range, testFaults, write } from "./doctorScene.ts";

/** No command: it would cut off a container that runs. */
const livesOn =
  /^Let that program use another bridge, or leave its addresses out of the ranges of lab \(ipam\.ranges\)$/;

const layout: readonly Fault[] = [
  {
    id: "overlaps",
    status: "warn",
    plant: "ip route add 10.20.0.128/25 via 192.0.2.2",
    says: /the network lab has 10\.20\.0\.0\/24, and the host has a route of 10\.20\.0\.128\/25 to up0/,
  },
  {
    id: "overlaps",
    status: "warn",
    plant: "ip link add other0 type bridge; ip address add 10.20.0.77/16 dev other0",
    says: /the network lab has 10\.20\.0\.0\/24, and the bridge other0 has 10\.20\.0\.0\/16/,
  },
  {
    id: "overlaps",
    status: "warn",
    plant: write(
      "20-third.conflist",
      conflist("third", { type: "ns-net", bridge: "third0", ipam: range("10.20.0.0/16") }),
    ),
    says: /the network third has 10\.20\.0\.0\/16, and the network lab has 10\.20\.0\.0\/24/,
    cure: /^Give third another subnet in \S+20-third\.conflist$/,
  },
  {
    id: "bridges",
    status: "warn",
    plant: write(
      "20-third.conflist",
      conflist("third", { type: "bridge", bridge: "lab0", ipam: { type: "host-local", subnet: "10.33.0.0/24" } }),
    ),
    says: /two plugins use the bridge lab0: bridge for the network third and ns-net for the network lab/,
    cure: /^Give one of them another bridge/,
  },
  {
    id: "bridges",
    status: "warn",
    plant: "ip link add theirs0 type veth peer name eth9 netns $C; ip link set theirs0 master lab0",
    says: /another program attached theirs0 to lab0, the bridge of lab: .* this network, which ns-net may give again$/,
    cure: livesOn,
  },
  {
    id: "bridges",
    status: "warn",
    plant:
      "ip link add theirs0 type veth peer name eth9 netns $C; ip link set theirs0 master lab0; in_c ip address add 10.20.0.99/24 dev eth9",
    says: /another program attached theirs0 to lab0, .* this network, 10\.20\.0\.99 at present, which/,
    cure: livesOn,
  },
  {
    id: "mtu",
    status: "warn",
    plant: "in_a ip link set eth0 mtu 1400",
    says: /^eth0 of a-\S+ has MTU 1400, and other links of the bridge lab0 1500/,
  },
  { id: "mtu", status: "warn", plant: "ip link set $HA mtu 1400", says: /^nsv\S+ has MTU 1400/ },
  {
    id: "mtu",
    status: "warn",
    plant: "ip link set lab0 mtu 9000; ip link set lab0 mtu 1300",
    says: /^lab0 has MTU 1300/,
  },
  {
    id: "mtu",
    status: "warn",
    plant: "ip link add one0 type veth peer name two0 netns $C; ip link set one0 mtu 1300",
    says: /two0 of c-\S+ has MTU 1500, and its other end one0 1300/,
  },
  {
    id: "mtu",
    status: "warn",
    plant: "ip link set up0 mtu 1400",
    says: /the network lab has MTU 1500, and the default route leads by up0 with 1400/,
    cure: /^Set "mtu": 1400 for lab in .*lab0\.json, and attach its containers again$/,
  },
  {
    id: "mtu",
    status: "warn",
    plant:
      "ip link add one0 type veth peer name two0; ip link add vx0 type vxlan id 5 dstport 4789 dev one0; ip link set one0 mtu 1300; ip link set two0 mtu 1300",
    says: /the VXLAN vx0 has MTU 1450, and one0 has room for 1250/,
  },
];

/** As install --drop-in leaves the folder. */
const dropIn = `ln -s "$(command -v ns-net)" $BIN/ns-net; for name in portmap host-local; do ln -s ns-net $BIN/$name; done`;

const files: readonly Fault[] = [
  {
    id: "configurations",
    status: "fail",
    plant: write("10-x.conflist", '{ "name": "x", '),
    says: /10-x\.conflist is broken: /,
  },
  {
    id: "configurations",
    status: "fail",
    plant: write("10-x.conflist", '{"name":"x","plugins":[{"type":"ns-net",}]}'),
    says: /10-x\.conflist is no JSON, which runtimes need/,
  },
  { id: "configurations", status: "fail", plant: write("10-x.conflist", "{}"), says: /10-x\.conflist has no name/ },
  {
    id: "configurations",
    status: "fail",
    plant: write("10-x.conflist", '{ "name": "x", "plugins": [] }'),
    says: /10-x\.conflist names no plugin/,
  },
  {
    id: "configurations",
    status: "fail",
    plant: write("10-x.conflist", conflist("x", { type: "ns-net", mtu: -1 })),
    says: /10-x\.conflist: Cannot use mtu = -1/,
    cure: /mtu must be/,
  },
  {
    id: "configurations",
    status: "warn",
    plant: write("10-x.conflist", conflist("x", { type: "bridge", isGatway: true })),
    says: /10-x\.conflist: ns-net would refuse bridge, if install --drop-in put it in its place: Cannot use isGatway = true/,
    cure: /^Before that: .*isGateway/,
  },
  {
    id: "configurations",
    status: "fail",
    plant: `${dropIn}; ${write("10-x.conflist", conflist("x", { type: "portmap", conditionsV4: ["-p", "tcp"] }))}`,
    says: /10-x\.conflist: Cannot use conditionsV4 with "-p tcp"/,
    cure: /conditionsV4 may say/,
  },
  {
    id: "configurations",
    status: "fail",
    plant: `${dropIn}; ${write("10-x.conflist", conflist("x", { type: "theirs", ipam: { type: "host-local" } }))}`,
    says: /10-x\.conflist: .*ipam/,
    cure: /^Give one of them: ipam\.subnet/,
  },
  {
    id: "configurations",
    status: "warn",
    plant: [10, 20].map((at) => write(`${at}-x.conflist`, conflist("x", { type: "ns-net", bridge: "x0" }))).join("\n"),
    says: /20-x\.conflist is never used: \S+10-x\.conflist comes before it and has the same name x/,
  },
  {
    id: "configurations",
    status: "warn",
    plant: write("10-x.conflist", conflist("x", { type: "no-such-plugin" })),
    says: /names the plugin no-such-plugin, and there is no such executable in /,
    cure: /^Install it in /,
  },
  {
    id: "pools",
    status: "fail",
    plant: `${write("10-x.conflist", conflist("x", { type: "ns-net", bridge: "x0", isGateway: true, ipam: range("10.44.0.0/30") }))}
      ns-net add last-$A --network x --data-dir $PWD/data >out`,
    says: /^1 of 1 addresses of 10\.44\.0\.0\/30 on x are given: no ADD gets one$/,
    cure: /^Give the network another range, .*: ns-net gc --data-dir \S+$/,
  },
  {
    id: "versions",
    status: "warn",
    plant: `printf '{"version":1,"program":"0.0.1","links":[]}' >$BIN/.ns-net.json`,
    says: /^version 0\.0\.1 is installed in \S+, and this is \d/,
    cure: /^ns-net install --no-conf --bin-dir \S+$/,
  },
];

const remains: readonly Fault[] = [
  {
    id: "drift",
    status: "fail",
    plant: "nft flush ruleset",
    says: /^not as ADD made it: eth0 of container a-.* is missing/,
  },
  {
    id: "stale",
    status: "fail",
    plant: "rm data/ns-net.sqlite*",
    says: /^There is no store in \S+, but 3 links of ns-net exist/,
  },
  {
    id: "stale",
    status: "warn",
    plant: "ip netns delete $A",
    says: /^things are left of attachments that are gone: the attachment eth0 of a-/,
  },
];

describe("ns-net doctor, with faults of", function () {
  this.timeout(120_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "vxlan");
    needsOwnEtc(this);
  });

  describe("layout:", () =>
    testFaults(
      layout,
      `rm -f $NETD/*; for link in other0 vx0 one0 theirs0; do ip link del $link; done; ip route del 10.20.0.128/25
      ip link set up0 mtu 1500; ip link set lab0 mtu 1500; ip link set $HA mtu 1500; in_a ip link set eth0 mtu 1500`,
    ));
  describe("files:", () =>
    testFaults(files, "rm -f $NETD/* $BIN/* $BIN/.ns-net.json; ns-net del last-$A --data-dir $PWD/data"));
  describe("remains:", () => testFaults(remains, "true"));
});
