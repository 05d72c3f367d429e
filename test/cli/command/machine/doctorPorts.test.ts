/** `ns-net doctor` about firewalls that let containers out, and no client in: the witness is a client outside, of TCP. */
import assert from "node:assert/strict";
import { flows } from "../../../explain/path/fault.ts";
import { needs } from "../../../support/needs.ts";
import { tcpServer } from "../../../support/tcp.ts";
import { openWard, type Ward } from "./doctorScene.ts";

describe("doctor finds firewalls that drop callers of published ports", function () {
  this.timeout(60_000);
  let ward: Ward;
  let server: Disposable;
  before(async function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "iptables");
    ward = openWard({ publish: ["8080:80"] });
    server = await tcpServer(ward.netns("B"), "::", 80);
  });
  after(() => {
    server?.[Symbol.dispose]();
    ward?.[Symbol.dispose]();
  });

  const client = { from: "outside", to: "192.0.2.1", port: "8080" };
  const client6 = { ...client, to: "2001:db8:9::1", isIpv6: true };

  for (const [title, plant, undo, who] of [
    [
      "of iptables",
      "iptables -P FORWARD DROP; iptables -A FORWARD -i lab+ -j ACCEPT; iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT",
      "iptables -P FORWARD ACCEPT; iptables -F FORWARD",
      client,
    ],
    [
      "of nf_tables, in both families",
      `nft 'table inet own { chain f { type filter hook forward priority 0; policy drop; iifname "lab*" accept; ct state established accept; }; }'`,
      "nft delete table inet own",
      client6,
    ],
  ] as const) {
    it(title, () => {
      assert.ok(flows(ward, who, 3));
      assert.deepEqual(
        ward.of("firewall").map(({ status }) => status),
        ["ok"],
      );
      ward.shell(plant);
      try {
        assert.ok(!flows(ward, who, 0.3));
        const found = ward.of("firewall");
        for (const { status, says } of found) {
          assert.equal(status, "warn");
          assert.match(says, /^(iptables|nf_tables) drops what callers outside send to published ports of lab: table /);
        }
        ward.shell(found[0]!.cure);
        assert.ok(flows(ward, who, 3), found[0]!.cure);
        assert.deepEqual(
          ward.of("firewall").map(({ status }) => status),
          ["ok"],
        );
      } finally {
        ward.shell(undo);
      }
    });
  }
});
