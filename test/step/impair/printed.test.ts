/**
 * The kinds of step that labs add: applied to one namespace, and typed as printed in another. The witnesses are nft, tc and ip,
 * which must see the same in both, and nothing after undo.
 */
import assert from "node:assert/strict";
import { openKernel } from "../../../kernel/kernel.ts";
import { applyRules, applyStep, checkStep, isRules, printStep, type Step, undoStep } from "../../../step/index.ts";
import { openNetns } from "../../../sys/netns.ts";
import { type Need, needs } from "../../support/needs.ts";
import { freshNetns, type Netns } from "../../support/sandbox.ts";

const cases: readonly (readonly [step: Step, need: Need])[] = [
  [{ kind: "internalNetwork", network: "back", bridge: "back" }, "bridge"],
  [{ kind: "packetLoss", link: "v0", direction: "in", loss: 0.25 }, "nft nat"],
  [{ kind: "packetLoss", link: "v0", direction: "out", loss: 1 }, "nft nat"],
  [{ kind: "tokenBucket", link: "v0", limit: { rate: 8_000_000, burst: 800_000 } }, "tbf"],
  [{ kind: "netem", link: "v0", delayNs: 20_000_000, jitterNs: 1_000_000, loss: 0.01 }, "netem"],
  [{ kind: "down", link: "v0" }, "bridge"],
];

function withVeth(): Netns {
  const ns = freshNetns();
  ns.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1");
  for (const link of ["v0", "v1"]) ns.ip("link", "set", link, "up");
  return ns;
}

/** Rules, qdiscs and flags of the link, without the number that is chosen at random. */
function seen(ns: Netns): string {
  const flags = ns.run("ip", "-o", "link", "show", "v0").match(/<([^>]*)>/)![1];
  const qdiscs = ns.run("tc", "qdisc", "show", "dev", "v0").replace(/(?<=qdisc \w+) \w+:/g, ""); // tc chooses a handle
  return [ns.nft("list", "ruleset"), qdiscs, flags].join("\n");
}

describe("A kind of step of labs", function () {
  this.timeout(30_000);

  for (const [step, need] of cases) {
    it(`is printed as what it does, and undone: ${JSON.stringify(step)}`, function () {
      needs(this, "nft nat", need);
      using applied = withVeth();
      using typed = withVeth();
      const before = seen(applied);
      const host = openNetns(applied.path);
      using kernel = openKernel({ host });
      assert.ok(checkStep(step, kernel).length > 0, "it differs before");
      if (isRules(step)) applyRules([step], kernel);
      else applyStep(step, kernel);
      assert.deepEqual(checkStep(step, kernel), []);
      for (const command of printStep(step, { netns: typed.path })) typed.run("sh", "-ec", command);
      assert.equal(seen(applied), seen(typed));
      assert.notEqual(seen(applied), before);
      using later = openKernel({ host });
      undoStep(step, later);
      assert.ok(checkStep(step, later).length > 0, "it differs afterwards");
      if (step.kind !== "internalNetwork") assert.equal(seen(applied), before);
      else assert.doesNotMatch(seen(applied), /elements/); // chain and set serve other networks, too
    });
  }
});
