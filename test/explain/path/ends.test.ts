/** Planted faults at the sender and the receiver: namespace, interface, address, routes, neighbours. */
import { needs } from "../../support/needs.ts";
import { both, testFaults } from "./fault.ts";
import { openScene, type Scene } from "./scene.ts";

describe("explain names faults of the two sides", function () {
  this.timeout(60_000);
  let scene: Scene;
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "conntrack", "ping");
    scene = openScene();
  });
  after(() => scene?.[Symbol.dispose]());

  testFaults(
    () => scene,
    [
      {
        name: "the receiver's",
        code: "interface-down",
        where: "B",
        plant: "in_b ip link set eth0 down",
      },
      {
        name: "the sender's",
        code: "interface-down",
        where: "A",
        plant: "in_a ip link set eth0 down",
      },
      {
        name: "the receiver's",
        isIpv6: true,
        code: "interface-down",
        where: "B",
        plant: "in_b ip link set eth0 down",
      },
      {
        name: "the sender's",
        isIpv6: true,
        code: "interface-down",
        where: "A",
        plant: "in_a ip link set eth0 down",
      },
      ...both(
        {
          name: "of the receiver",
          code: "no-address",
          where: "B",
          plant: "in_b ip address del $B4/24 dev eth0",
        },
        { plant: "in_b ip -6 address del $B6/64 dev eth0" },
      ),
      { name: "of the sender", code: "no-address", where: "A", plant: "in_a ip address del $A4/24 dev eth0" },
      {
        name: "a detection that lasts",
        isIpv6: true,
        code: "tentative",
        where: "B",
        plant:
          "in_b sysctl -qw net.ipv6.conf.eth0.dad_transmits=60 net.ipv6.conf.eth0.accept_dad=1; in_b ip -6 address del $B6/64 dev eth0; in_b ip -6 address add $B6/64 dev eth0",
        undo: "in_b sysctl -qw net.ipv6.conf.eth0.dad_transmits=1",
      },
      {
        name: "at the receiver",
        isIpv6: true,
        code: "ipv6-disabled",
        where: "B",
        plant: "in_b sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1",
      },
      {
        name: "at the sender",
        isIpv6: true,
        code: "ipv6-disabled",
        where: "A",
        plant: "in_a sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1",
      },
      ...both(
        { name: "to another network", to: "C", code: "no-route", where: "A", plant: "in_a ip route del default" },
        { plant: "in_a ip -6 route del default" },
      ),
      ...both(
        {
          name: "a blackhole",
          to: "C",
          code: "no-route",
          where: "A",
          plant: "in_a ip route add blackhole $C4",
        },
        { plant: "in_a ip -6 route add blackhole $C6" },
      ),
      {
        name: "an unreachable route",
        to: "C",
        code: "no-route",
        where: "A",
        plant: "in_a ip route add unreachable 10.21.0.0/24",
      },
      {
        name: "a prohibit route",
        to: "C",
        code: "no-route",
        where: "A",
        plant: "in_a ip route add prohibit 10.21.0.0/24",
      },
      {
        name: "a mask that makes a neighbour remote",
        code: "wrong-prefix",
        where: "A",
        plant:
          "in_a ip address add $A4/32 dev eth0; in_a ip address del $A4/24 dev eth0; in_a ip route del default 2>/dev/null || true",
      },
      {
        name: "a mask that makes a remote place a neighbour",
        to: "C",
        code: "wrong-prefix",
        where: "A",
        plant:
          "in_a ip address del $A4/24 dev eth0; in_a ip address add $A4/8 dev eth0; in_a ip route replace default via 10.20.0.1",
      },

      ...both(
        {
          name: "a gateway that nothing has",
          to: "C",
          code: "gateway-unreachable",
          where: "A",
          plant: "in_a ip route replace default via 10.20.0.99",
        },
        {
          plant: "in_a ip -6 route del default; in_a ip -6 route add default via fd20::99",
        },
      ),
      ...both(
        {
          name: "the sender's entry of the receiver",
          code: "wrong-neighbour",
          where: "A",
          plant: "in_a ip neigh replace $B4 lladdr 02:00:00:00:00:77 dev eth0 nud permanent",
        },
        { plant: "in_a ip -6 neigh replace $B6 lladdr 02:00:00:00:00:77 dev eth0 nud permanent" },
      ),
      {
        name: "the sender's entry of the gateway",
        to: "C",
        code: "wrong-neighbour",
        where: "A",
        plant: "in_a ip neigh replace 10.20.0.1 lladdr 02:00:00:00:00:77 dev eth0 nud permanent",
      },
      ...both(
        {
          name: "the receiver's entry of the sender",
          code: "wrong-neighbour",
          where: "B",
          plant: "in_b ip neigh replace $A4 lladdr 02:00:00:00:00:77 dev eth0 nud permanent",
        },
        { plant: "in_b ip -6 neigh replace $A6 lladdr 02:00:00:00:00:77 dev eth0 nud permanent" },
      ),
      ...both(
        {
          name: "the host's entry",
          from: "C",
          to: "B",
          code: "wrong-neighbour",
          where: "host",
          plant: "ip neigh replace $B4 lladdr 02:00:00:00:00:77 dev lab0 nud permanent",
        },
        { plant: "ip -6 neigh replace $B6 lladdr 02:00:00:00:00:77 dev lab0 nud permanent" },
      ),
    ],
  );
});

describe("explain names faults of the way back, without masquerade", function () {
  this.timeout(60_000);
  let scene: Scene;
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "ping");
    scene = openScene({ network: { ipMasq: false }, second: { ipMasq: false } });
  });
  after(() => scene?.[Symbol.dispose]());

  testFaults(
    () => scene,
    [
      {
        name: "the receiver's mask makes the sender a neighbour",
        from: "C",
        to: "A",
        code: "wrong-prefix",
        where: "A",
        plant:
          "in_a ip address del $A4/24 dev eth0; in_a ip address add $A4/8 dev eth0; in_a ip route replace default via 10.20.0.1",
      },
      ...both(
        {
          name: "from another network",
          from: "A",
          to: "C",
          code: "no-return-route",
          where: "C",
          plant: "in_c ip route del default",
        },
        { plant: "in_c ip -6 route del default" },
      ),
      {
        name: "a blackhole",
        from: "A",
        to: "C",
        code: "no-return-route",
        where: "C",
        plant: "in_c ip route add blackhole 10.20.0.0/24",
      },
    ],
  );
});
