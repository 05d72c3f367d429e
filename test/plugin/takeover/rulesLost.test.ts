/**
 * CHECK and `ns-net check` of containers of the reference's plugins whose rules another program removed. Witness: iptables.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkList } from "../../support/libcni.ts";
import { needs } from "../../support/needs.ts";
import { run } from "../../support/sandbox.ts";
import { bridge, portmap, referenceNode } from "./referenceNode.ts";

describe("Taking over a live node, rules that were removed", function () {
  this.timeout(120_000);

  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "iptables", "reference plugins");
  });

  type Node = ReturnType<typeof referenceNode>;

  const restore = (node: Node, rules: string) =>
    run(["nsenter", `--net=${node.world.host.path}`, "iptables-restore", "-T", "nat"], rules);

  const chainsOf = (node: Node) => {
    const rules = node.natRules().join("\n");
    const ports = /-A (CNI-DN-\w+) .*--dport 8001 /.exec(rules)![1]!;
    return { ports, masquerade: /-A POSTROUTING -s 10\.77\.0\.2\/32 .*-j (CNI-\w+)/.exec(rules)![1]! };
  };

  /** The input of iptables-restore: the same rules without those lines. */
  const without = (saved: string, ...patterns: RegExp[]) =>
    saved
      .split("\n")
      .filter((line) => !patterns.some((pattern) => pattern.test(line)))
      .join("\n");

  const cases: readonly [what: string, lost: (saved: string, node: Node) => string, found: RegExp][] = [
    [
      "the chain of ports",
      (saved, node) => without(saved, new RegExp(chainsOf(node).ports)),
      /chain CNI-DN-\w+ \(published ports\)/,
    ],
    [
      "the jump to the chain of ports",
      (saved, node) => without(saved, new RegExp(`-j ${chainsOf(node).ports}`)),
      /rule of published port 8001\/tcp, by chain CNI-DN-/,
    ],
    [
      "the rule of the port",
      (saved, node) =>
        saved.replace(new RegExp(`(-A ${chainsOf(node).ports} .*--dport )8001 -j DNAT`), "$18901 -j DNAT"),
      /rule of published port 8001\/tcp, by chain CNI-DN-/,
    ],
    [
      "the jump for all ports",
      (saved) => without(saved, /-A PREROUTING .*-j CNI-HOSTPORT-DNAT/),
      /jump from PREROUTING to chain CNI-HOSTPORT-DNAT/,
    ],
    [
      "the chain that masquerades",
      (saved, node) => without(saved, new RegExp(chainsOf(node).masquerade)),
      /chain CNI-[0-9a-f]+ \(masquerade\)/,
    ],
    [
      "the jump to it",
      (saved, node) => without(saved, new RegExp(`-j ${chainsOf(node).masquerade}`)),
      /jump from POSTROUTING to chain CNI-[0-9a-f]+/,
    ],
    ["every rule", () => "*nat\nCOMMIT\n", /chain CNI-/],
  ];

  for (const when of ["before any ADD of ns-net", "after one"]) {
    it(`are found ${when}: each chain, the jump to it, and each port`, async () => {
      using node = referenceNode();
      const list = node.withPorts();
      const pod = await node.start("a", 1);
      const ours = node.runtime("bridge", "host-local", "portmap");
      if (when === "after one") await node.start("b", 2, ours);
      const portMappings = [{ hostPort: 8001, containerPort: 80, protocol: "tcp" }];
      const at = { container: "a", netns: pod.netns, capabilityArgs: { portMappings } };
      const byHand = () => node.cli("check", pod.netns.name);
      assert.match(byHand(), /nothing differs.*nor the rules: no runtime keeps/);
      const kept = `${node.network}-a-eth0`;
      mkdirSync("/var/lib/cni/results", { recursive: true });
      copyFileSync(join(node.folder, "../cache/results", kept), join("/var/lib/cni/results", kept));
      const saved = node.world.host.run("iptables-save", "-t", "nat");
      for (const [what, lost, found] of cases) {
        await checkList(ours, list, at);
        assert.match(byHand(), /nothing differs.*: routes are not compared\n/, what);
        restore(node, lost(saved, node));
        await assert.rejects(checkList(ours, list, at), { message: found }, what);
        assert.match(
          byHand(),
          new RegExp(`not as add made it\n.*${found.source}.* is missing\n.*cure: Restart`, "s"),
          what,
        );
        assert.match(node.cli("check", "-n", node.network), /1 not as add made it\n$/);
        restore(node, saved);
      }
      rmSync(join("/var/lib/cni/results", kept));
    });
  }

  it("are none if the list asks for none", async () => {
    using node = referenceNode();
    const list = node.listOf({ ...bridge, ipMasq: false }, portmap);
    const pod = await node.start("a", 1, node.runtime(), list);
    const ours = node.runtime("bridge", "host-local", "portmap");
    restore(node, "*nat\nCOMMIT\n");
    await checkList(ours, list, { container: "a", netns: pod.netns, capabilityArgs: { portMappings: [] } });
  });
});
