/** Planted faults between the ends: the host's end of a veth, the bridge and its ports, MTU. */
import assert from "node:assert/strict";
import { needs } from "../../support/needs.ts";
import { both, explainFault, flows, testFaults } from "./fault.ts";
import { bridgeRules, openScene, type Scene } from "./scene.ts";

describe("explain names faults of the bridge", function () {
  this.timeout(60_000);
  let scene: Scene;
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "ping");
    scene = openScene();
  });
  after(() => scene?.[Symbol.dispose]());

  testFaults(
    () => scene,
    [
      ...both({ name: "the receiver's", code: "host-end-down", where: "host", plant: "ip link set $HB down" }, {}),
      ...both({ name: "the sender's", code: "host-end-down", where: "host", plant: "ip link set $HA down" }, {}),
      ...both({ name: "the receiver's", code: "not-in-bridge", where: "host", plant: "ip link set $HB nomaster" }, {}),
      ...both({ name: "the sender's", code: "not-in-bridge", where: "host", plant: "ip link set $HA nomaster" }, {}),
      {
        name: "towards another network",
        to: "C",
        code: "not-in-bridge",
        where: "host",
        plant: "ip link set $HC nomaster",
      },
      { name: "of both", code: "bridge-down", where: "host", plant: "ip link set lab0 down" },
      {
        name: "of another network",
        to: "C",
        code: "bridge-down",
        where: "host",
        plant: "ip link set lab1 down",
        undo: "ip route replace 10.21.0.0/24 dev lab1 src 10.21.0.1",
      },
      ...both(
        { name: "the receiver's port", code: "port-blocked", where: "host", plant: "bridge link set dev $HB state 1" },
        {},
      ),
      ...both(
        { name: "the sender's port", code: "port-blocked", where: "host", plant: "bridge link set dev $HA state 1" },
        {},
      ),
      {
        name: "a port that only learns",
        code: "port-blocked",
        where: "host",
        plant: "bridge link set dev $HB state 2",
      },
      {
        name: "a disabled port",
        to: "C",
        code: "port-blocked",
        where: "host",
        plant: "bridge link set dev $HC state 0",
      },
      ...both(
        {
          name: "both ports",
          code: "isolated",
          where: "host",
          plant: "bridge link set dev $HA isolated on; bridge link set dev $HB isolated on",
          undo: "bridge link set dev $HA isolated off",
        },
        {},
      ),
      ...both(
        {
          name: "a static entry",
          code: "wrong-port",
          where: "host",
          plant: "bridge fdb replace $MB dev $HA master sticky static",
        },
        {},
      ),
      {
        name: "a static entry, from the host",
        from: "host",
        code: "wrong-port",
        where: "host",
        plant: "bridge fdb replace $MB dev $HA master sticky static",
      },
      {
        name: "the host's end is smaller",
        code: "mtu",
        isSilent: true,
        where: "host",
        plant: "ip link set $HB mtu 1200",
      },
      {
        name: "the receiver's end is smaller",
        code: "mtu",
        isSilent: true,
        where: "B",
        plant: "in_b ip link set eth0 mtu 1200",
      },
    ],
  );

  testFaults(
    () => scene,
    [
      ...both(
        { name: "another namespace has it", code: "duplicate-address", plant: duplicate("$B4/24") },
        { plant: duplicate("$B6/64 nodad") },
      ).map((fault) => ({ ...fault, isSilent: true, undo: "ip netns del twin-$A" })),
    ],
  );
});

/** A fourth namespace on lab0 with the address of B. */
function duplicate(address: string): string {
  return `ip netns add twin-$A; ip link add twin0 type veth peer name eth0 netns twin-$A
    ip link set twin0 master lab0 up; ip -n twin-$A address add ${address.replace(" nodad", "")} dev eth0${address.includes("nodad") ? " nodad" : ""}; ip -n twin-$A link set eth0 up`;
}

describe("explain names what br_netfilter does", function () {
  this.timeout(60_000);
  let scene: Scene;
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "iptables", "ping");
    scene = openScene();
  });
  after(() => scene?.[Symbol.dispose]());
  beforeEach(() => bridgeRules(scene.netns("host"), 1));

  const clean = "nft delete table inet f";
  testFaults(
    () => scene,
    [
      ...both(
        {
          name: "a forward chain that drops by policy",
          code: "bridge-netfilter",
          where: "host",
          plant: `nft add table inet f; nft 'add chain inet f c { type filter hook forward priority 0; policy drop; }'`,
          undo: clean,
        },
        {},
      ),
      ...both(
        {
          name: "a rule about the bridge",
          code: "bridge-netfilter",
          where: "host",
          plant: `nft add table inet f; nft 'add chain inet f c { type filter hook forward priority 0; }'; nft add rule inet f c iifname lab0 drop`,
          undo: clean,
        },
        {},
      ),
      {
        name: "iptables' policy",
        code: "bridge-netfilter",
        where: "host",
        plant: "iptables -P FORWARD DROP",
        undo: "iptables -P FORWARD ACCEPT; iptables -F FORWARD",
      },
      {
        name: "iptables about the ports",
        code: "bridge-netfilter",
        where: "host",
        plant: "iptables -A FORWARD -m physdev --physdev-is-bridged -j DROP",
        undo: "iptables -F FORWARD",
      },
      {
        name: "iptables about one port",
        code: "bridge-netfilter",
        where: "host",
        plant: "iptables -A FORWARD -m physdev --physdev-in $HA -j REJECT",
        undo: "iptables -F FORWARD",
      },
    ],
  );

  it("host-end-down, bridge-down: between two bridges of the host", () => {
    scene.shell(`ip link add lab2 up type bridge
      ip link add two0 up master lab0 type veth peer name two2
      ip link set two2 up master lab2
      ip link set $HB master lab2`);
    try {
      assert.equal(explainFault(scene, {}).verdict, "reachable");
      assert.ok(flows(scene, {}, 3));
      for (const [link, code] of [
        ["two2", "host-end-down"],
        ["lab2", "bridge-down"],
      ] as const) {
        scene.shell(`ip link set ${link} down`);
        const { cause } = explainFault(scene, {});
        assert.deepEqual([cause?.code, cause?.where, cause?.cure], [code, "host", `ip link set ${link} up`]);
        assert.ok(!flows(scene, {}, 0.3));
        scene.shell(cause!.cure);
        assert.ok(flows(scene, {}, 3));
      }
    } finally {
      scene.shell("ip link set $HB master lab0; ip link del two0; ip link del lab2");
    }
  });
});
