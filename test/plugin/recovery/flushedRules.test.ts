/**
 * Flushed rules, with their chains and sets left: CHECK reports them, repair and the next ADD restore them. Witness:
 * `nft`.
 */
import assert from "node:assert/strict";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { run } from "../../support/sandbox.ts";
import { withoutHealing } from "../../support/throughAgent.ts";
import { dualStack, freshWorld, type World } from "../../support/world.ts";

/** All rules that are written once, with the first container. */
const everything = (world: World, hostPort: number) =>
  world.network({
    ipMasq: true,
    ipam: dualStack,
    macspoofchk: true,
    masqAll: true,
    ingressPolicy: "same-bridge",
    runtimeConfig: { portMappings: [{ hostPort, containerPort: 80, protocol: "tcp" }] },
  });

/** The rules of the chains, each with its chain. */
function rules(world: World): string[] {
  const { nftables } = JSON.parse(world.host.nft("--json", "list", "ruleset"));
  return nftables.flatMap(({ rule }: { rule?: Record<string, unknown> }) => {
    if (rule === undefined) return [];
    const { handle: _, ...rest } = rule;
    return [JSON.stringify(rest)];
  });
}

/** Chains and sets sorted by name, each with its content. */
const ruleset = ({ host }: World) =>
  host
    .nft("list", "ruleset")
    .split(/\n(?=\t\w)/)
    .sort()
    .join("\n");

const flush = ({ host }: World) => host.nft("flush table inet ns_net; flush table bridge ns_net");

const losses: Record<string, readonly [command: string, ...says: RegExp[]]> = {
  "of every chain": [
    "flush table inet ns_net; flush table bridge ns_net",
    ...[
      "masquerade-",
      "ports ",
      "ports-in ",
      "ports-out ",
      "ports-guard ",
      "ports-masquerade ",
      "ports-masquerade-all ",
    ].map((chain) => new RegExp(`rule ${chain}`)),
    ...["ingress ", "ingress-to-guarded ", "spoofed "].map((chain) => new RegExp(`rule ${chain}`)),
  ],
  "that translate ports": ["flush chain inet ns_net ports", /rule ports .*map @ports4 is missing/],
  "that keep others from 127.0.0.1": ["flush chain inet ns_net ports-guard", /rule ports-guard .*127\.0\.0\.0\/8 drop/],
  "of bridges whose containers may call each other": [
    "flush set inet ns_net ports-hairpin4",
    /"br0" . tcp . 10.7.0.2 . 80 in nf_tables set ports-hairpin4/,
  ],
  "of published ports": ["flush map inet ns_net ports4", /port 8080\/tcp of the host is missing/],
};

describe("Flushed rules", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat", "nft fib", "nft bridge");
  });

  for (const [which, [command, ...says]] of Object.entries(losses)) {
    it(`${which} are reported by CHECK, and repair restores them`, function () {
      withoutHealing(this);
      using world = freshWorld();
      const netns = world.netns();
      const config = everything(world, 8080);
      const prevResult = world.must("ADD", config, { netns });
      const before = ruleset(world);
      world.must("CHECK", { ...config, prevResult }, { netns });
      world.host.nft(command);
      const { code, json } = world.call("CHECK", { ...config, prevResult }, { netns });
      assert.equal(code, 1);
      for (const one of says) assert.match(json.msg, one);
      run(world.host.inside([nsNet, "repair", "--data-dir", world.dataDir]));
      assert.equal(ruleset(world), before);
      world.must("CHECK", { ...config, prevResult }, { netns });
    });
  }

  it("are restored by the next ADD", function () {
    withoutHealing(this);
    using world = freshWorld();
    world.must("ADD", everything(world, 8080), { netns: world.netns() });
    const before = rules(world).sort();
    flush(world);
    assert.deepEqual(rules(world), []);
    world.must("ADD", everything(world, 8081), { netns: world.netns(), container: "c2" });
    assert.deepEqual(rules(world).sort(), before);
  });
});
