/** A smaller MTU behind a router, and the report of it. The witness is a large ping that must not be fragmented. */
import assert from "node:assert/strict";
import { needs } from "../../support/needs.ts";
import { tcpServer } from "../../support/tcp.ts";
import { explainFault, flows, shown } from "./fault.ts";
import { openScene, type Scene } from "./scene.ts";

const chain = (hook: string, rule: string) =>
  `table inet f { chain c { type filter hook ${hook} priority 0; ${rule}; }; }`;
const noReports = "icmp type destination-unreachable drop; icmpv6 type packet-too-big drop";

describe("explain and a smaller MTU behind a router", function () {
  this.timeout(60_000);
  let scene: Scene;
  before(function () {
    needs(this, "bridge", "ipv6", "nft nat", "ping");
    scene = openScene();
    scene.shell("ip link set lab1 mtu 1300; ip link set $HC mtu 1300; in_c ip link set eth0 mtu 1300");
  });
  after(() => scene?.[Symbol.dispose]());
  afterEach(() => {
    for (const command of ["nft", "in_a nft"]) scene.shell(`${command} 'add table inet f; delete table inet f'`);
  });

  /** Whether the sender learns that its packet is too big. */
  function isReported(isIpv6: boolean): boolean {
    scene.shell("in_a ip route flush cache; in_a ip -6 route flush cache");
    const to = scene.variables[isIpv6 ? "C6" : "C4"]!;
    const ping = scene.netns("A").inside(["ping", isIpv6 ? "-6" : "-4", "-c1", "-W1", "-Mdo", "-s1400", to]);
    const { stdout, stderr } = Bun.spawnSync(ping, { stdin: "ignore" });
    return /too long|too big|Frag needed/i.test(`${stdout}${stderr}`);
  }

  for (const isIpv6 of [false, true]) {
    const family = isIpv6 ? "IPv6" : "IPv4";
    const asked = { to: "C", isIpv6 };

    it(`is reachable when the report comes through, ${family}`, () => {
      assert.ok(isReported(isIpv6));
      assert.equal(explainFault(scene, asked).verdict, "reachable");
    });

    for (const [where, rules] of [
      ["by the router", chain("output", noReports)],
      ["before its routing", chain("postrouting", noReports)],
    ] as const) {
      it(`is blocked when the report is dropped ${where}, and the cure repairs it, ${family}`, () => {
        scene.shell(`nft '${rules}'`);
        assert.ok(!isReported(isIpv6));
        assert.ok(flows(scene, asked, 3), "small packets pass");
        const found = explainFault(scene, asked);
        assert.deepEqual(
          [found.verdict, found.cause?.code, found.cause?.where],
          ["blocked", "mtu", "host"],
          shown(found),
        );
        assert.match(
          found.cause!.what,
          /1500 bytes are too big for lab1 \(MTU 1300\), and the report of it is lost: table inet f/,
        );
        scene.shell(found.cause!.cure);
        assert.ok(isReported(isIpv6));
        assert.equal(explainFault(scene, asked).verdict, "reachable");
      });
    }

    it(`is blocked when the sender drops the report, ${family}`, () => {
      scene.shell(`in_a nft '${chain("input", noReports)}'`);
      assert.ok(!isReported(isIpv6));
      const found = explainFault(scene, asked);
      assert.deepEqual([found.verdict, found.cause?.code], ["blocked", "mtu"], shown(found));
      assert.equal(found.cause?.where, `namespace ${scene.variables.A}`);
      scene.shell(found.cause!.cure);
      assert.ok(isReported(isIpv6));
    });

    it(`is reachable where replies of known connections are accepted, ${family}`, () => {
      scene.shell(`in_a nft '${chain("input", `ct state established,related accept; ${noReports}`)}'`);
      assert.ok(isReported(isIpv6));
      assert.equal(explainFault(scene, asked).verdict, "reachable");
    });
  }

  it("needs no report of TCP where a rule lowers the size of segments", async () => {
    using _ = await tcpServer(scene.netns("C"), "0.0.0.0", 80);
    const asked = { to: "C", port: "80" };
    scene.shell(`nft '${chain("output", noReports)}'`);
    assert.equal(explainFault(scene, asked).cause?.code, "mtu");
    const clamp = "{ type filter hook forward priority 0; tcp flags syn tcp option maxseg size set rt mtu; }";
    scene.shell(`nft 'add chain inet f m ${clamp}'`);
    const found = explainFault(scene, asked);
    assert.equal(found.verdict, "reachable", shown(found));
  });
});
