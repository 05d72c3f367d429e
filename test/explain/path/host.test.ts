/** Planted faults of the host's routing, and of connection tracking. */
import { needs } from "../../support/needs.ts";
import { both, testFaults } from "./fault.ts";
import { openScene, type Scene } from "./scene.ts";

describe("explain names faults of the host's routing", function () {
  this.timeout(60_000);
  let scene: Scene;
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "ping", "conntrack");
    scene = openScene();
  });
  after(() => scene?.[Symbol.dispose]());

  const to = "C";
  const where = "host";
  testFaults(
    () => scene,
    [
      ...both(
        { name: "of the host", to, where, code: "forwarding-off", plant: "sysctl -qw net.ipv4.ip_forward=0" },
        { plant: "sysctl -qw net.ipv6.conf.all.forwarding=0", undo: "ip -6 route replace default via 2001:db8:9::2" },
      ),
      {
        name: "towards the outside",
        to: "192.0.2.2",
        where,
        code: "forwarding-off",
        plant: "sysctl -qw net.ipv4.ip_forward=0",
      },
      {
        name: "of the link alone",
        to,
        where,
        code: "forwarding-off",
        plant: "sysctl -qw net.ipv4.conf.lab0.forwarding=0",
      },
      {
        name: "strict, the way back by another link",
        to,
        where,
        code: "rp-filter",
        plant: "sysctl -qw net.ipv4.conf.lab0.rp_filter=1; ip route add $A4 dev up0",
        undo: "ip route del $A4 dev up0; sysctl -qw net.ipv4.conf.lab0.rp_filter=0",
      },
      {
        name: "strict for all links",
        to,
        where,
        code: "rp-filter",
        plant: "sysctl -qw net.ipv4.conf.all.rp_filter=1; ip route add $A4 dev up0",
        undo: "ip route del $A4 dev up0; sysctl -qw net.ipv4.conf.all.rp_filter=0",
      },
      ...both(
        {
          name: "to a network of containers",
          to,
          where,
          code: "no-host-route",
          plant: "ip route del 10.21.0.0/24 dev lab1; ip route del default",
          undo: "ip route replace default via 192.0.2.2; ip route replace 10.21.0.0/24 dev lab1 src 10.21.0.1; ip route del $C4 2>/dev/null || true",
        },
        {
          plant: "ip -6 route del fd21::/64 dev lab1; ip -6 route del default",
          undo: "ip -6 route replace default via 2001:db8:9::2; ip -6 route replace fd21::/64 dev lab1; ip -6 route del $C6 2>/dev/null || true",
        },
      ),
      ...both(
        { name: "a blackhole", to, where, code: "no-host-route", plant: "ip route add blackhole $C4/32" },
        { plant: "ip -6 route add blackhole $C6/128" },
      ),
      {
        name: "an unreachable network",
        to,
        where,
        code: "no-host-route",
        plant: "ip route add unreachable 10.21.0.0/25",
      },
      { name: "a prohibit route", to, where, code: "no-host-route", plant: "ip route add prohibit $C4/32" },
      {
        name: "another link has the same network",
        to,
        where,
        code: "rival-route",
        plant: "ip link add rival0 type bridge; ip link set rival0 up; ip address add 10.21.0.9/25 dev rival0",
        undo: "ip link del rival0",
      },
      {
        name: "a route to another link",
        to,
        where,
        code: "rival-route",
        plant: "ip link add rival0 type bridge; ip link set rival0 up; ip route add $C4 dev rival0",
        undo: "ip link del rival0",
      },
      {
        name: "another link has the same IPv6 network",
        to,
        where,
        isIpv6: true,
        code: "rival-route",
        plant: "ip link add rival0 type bridge; ip link set rival0 up; ip -6 address add fd21::99/120 dev rival0 nodad",
        undo: "ip link del rival0",
      },
      ...both(
        {
          name: "a rule that makes it unreachable",
          to,
          where,
          code: "policy-route",
          plant: "ip rule add from $A4 to $C4 priority 500 unreachable",
        },
        { plant: "ip -6 rule add from $A6 to $C6 priority 500 unreachable" },
      ),
      {
        name: "a rule that makes it a blackhole",
        to,
        where,
        code: "policy-route",
        plant: "ip rule add to $C4 priority 500 blackhole",
      },
      {
        name: "a rule that prohibits it",
        to,
        where,
        code: "policy-route",
        plant: "ip rule add iif lab0 to $C4 priority 500 prohibit",
      },
      {
        name: "a rule to a table with another way",
        to,
        where,
        code: "policy-route",
        plant:
          "ip link add rival0 type bridge; ip link set rival0 up; ip route add $C4 dev rival0 table 77; ip rule add from $A4 lookup 77 priority 500",
        undo: "ip link del rival0",
      },
    ],
  );
});
