/** A network of a lab in a VLAN: any key of the plugin is a key of the network. The witnesses are bridge, ip and ping. */
import assert from "node:assert/strict";
import { needs } from "../support/needs.ts";
import { needsLabs, type Person, person, users } from "./person.ts";

const file = `
networks:
  tagged: { subnets: [10.1.0.0/24], config: { vlan: 10 } }
  plain: 10.2.0.0/24
pods:
  a: { networks: tagged, serve: http:80, publish: ["8080:80"] }
  b: { networks: tagged }
  c: { networks: plain }
tests:
  - b -> http://a/
  - a -> host
  - a -> outside
  - c -> a
  - outside -> host:8080
`;

for (const user of users) {
  describe(`A network in a VLAN, as ${user}`, function () {
    this.timeout(60_000);
    let who: Person;
    let up: Disposable;
    before(function () {
      needsLabs(this, user);
      needs(this, "vlan filtering", "vlan");
      who = person(user);
      up = who.up(who.file("vlan.yaml", file));
    });
    after(() => {
      up?.[Symbol.dispose]();
      who?.[Symbol.dispose]();
    });

    it("carries its pods, the gateway, NAT and a published port", () => {
      const { failed, tests } = who.json("test");
      assert.equal(failed, 0, JSON.stringify(tests, null, 1));
      assert.equal(who.lab("ping").code, 0);
      assert.equal(who.lab("check", "vlan.yaml").code, 0);
    });

    it("is 10 at the ports of its bridge, and at no other", () => {
      const { out } = who.lab("exec", "host", "--", "bridge", "vlan", "show");
      const { pods } = who.json("inspect");
      const portOf = (pod: string) =>
        pods.find(({ name }: { name: string }) => name === pod).interfaces[0].hostLink as string;
      const lineOf = (link: string) => out.split("\n").find((line) => line.startsWith(link)) ?? "";
      for (const pod of ["a", "b"]) assert.match(lineOf(portOf(pod)), /\s10 PVID Egress Untagged/, out);
      assert.doesNotMatch(lineOf(portOf("c")), /\s10\b/);
    });
  });
}
