/** Packets that come from outside to a published port: behind a veth that is seen, and behind a link that is not followed. */
import assert from "node:assert/strict";
import { needs } from "../../support/needs.ts";
import { tcpServer } from "../../support/tcp.ts";
import { both, explainFault, type Fault, flows, testFaults } from "./fault.ts";
import { openScene, type Scene } from "./scene.ts";

for (const isOutsideUnseen of [false, true]) {
  describe(`explain from the outside, ${isOutsideUnseen ? "which is not on this machine" : "behind a veth"}`, function () {
    this.timeout(60_000);
    let scene: Scene;
    const servers: Disposable[] = [];
    before(async function () {
      needs(this, "ns-net", "bridge", "nft nat", "ipv6", "ping", "macvlan");
      scene = openScene({ publish: ["8080:80", "8081:81"], isOutsideUnseen });
      servers.push(await tcpServer(scene.netns("B"), "::", 80), await tcpServer(scene.netns("host"), "::", 9000));
    });
    after(() => {
      for (const server of servers) server[Symbol.dispose]();
      scene?.[Symbol.dispose]();
    });

    const published: Pick<Fault, "from" | "to" | "port" | "where"> = {
      ...{ from: "outside", to: "192.0.2.1", port: "8080", where: "host" },
    };
    const own = { ...published, port: "9000" };
    const drops = (hook: string, rule: string) =>
      `nft add table inet f; nft 'add chain inet f c { type filter hook ${hook} priority 5; }'; nft add rule inet f c ${rule} drop`;
    const undo = "nft delete table inet f";

    it("finds a published port of the host reachable, as a connection does, in both families", () => {
      for (const asked of [published, { ...published, to: "2001:db8:9::1", isIpv6: true }]) {
        assert.equal(explainFault(scene, asked).verdict, "reachable");
        assert.ok(flows(scene, asked, 3));
      }
      assert.equal(explainFault(scene, { ...published, to: "host" }).verdict, "reachable");
    });

    it("does not know whether the outside has a way to a container's own address", () => {
      const { verdict, cause } = explainFault(scene, { from: "outside", to: "B", port: "80" });
      if (isOutsideUnseen)
        assert.match(cause?.what ?? "", /is no address of the host; whether the outside knows a way/);
      // The namespace behind the veth has no route.
      assert.deepEqual([verdict, cause?.code], isOutsideUnseen ? ["unsure", "undecided"] : ["blocked", "no-route"]);
    });

    it("names a port behind which nothing listens, and one that is not published", () => {
      const code = (port: string) => explainFault(scene, { ...published, port }).cause?.code;
      assert.deepEqual([code("8081"), code("7777")], ["not-listening", "no-mapping"]);
    });

    testFaults(
      () => scene,
      [
        { ...published, name: "the rules are gone", code: "no-mapping", plant: "nft delete table inet ns_net" },
        ...both(
          {
            ...published,
            name: "a rule drops forwarded packets",
            code: "dropped-by-rule",
            undo,
            plant: drops("forward", "iifname up0"),
          },
          { to: "2001:db8:9::1" },
        ),
        {
          ...published,
          name: "a policy drops forwarded packets",
          code: "dropped-by-policy",
          plant: "nft add table inet f; nft 'add chain inet f c { type filter hook forward priority 5; policy drop; }'",
          undo,
        },
        {
          ...own,
          name: "a rule drops packets to the host",
          code: "dropped-by-rule",
          undo,
          plant: drops("input", "tcp dport 9000"),
        },
        {
          ...published,
          name: "a rule drops the answer",
          code: "dropped-by-rule",
          undo,
          plant: drops("forward", "oifname up0"),
        },
        {
          ...published,
          name: "the host does not forward",
          code: "forwarding-off",
          plant: "sysctl -qw net.ipv4.ip_forward=0",
        },
      ],
    );
  });
}
