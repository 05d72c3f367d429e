/**
 * The kinds of step by which a host reaches others: applied to one namespace, and typed as printed in another. The witnesses
 * are ip, bridge and nft, which must see the same in both, and nothing after undo.
 */
import assert from "node:assert/strict";
import { openKernel } from "../../../kernel/kernel.ts";
import { applyRules, applyStep, checkStep, isRules, printStep, type Step, undoStep } from "../../../step/index.ts";
import { openNetns } from "../../../sys/netns.ts";
import { needs } from "../../support/needs.ts";
import { freshNetns, type Netns } from "../../support/sandbox.ts";

const mac = "02:00:00:00:00:09";
const vxlan: Step = {
  ...{ kind: "vxlan", link: "vxlan0", mac: "02:00:00:00:00:01", mtu: 1450, id: 1, port: 4789 },
  ...{ lower: "v0", local: "192.168.50.1" },
};

/** Each with the steps that it needs. */
const cases: readonly (readonly [step: Step, before: readonly Step[]])[] = [
  [vxlan, []],
  [{ kind: "neighbour", link: "v0", address: "192.168.50.3", mac }, []],
  [{ kind: "neighbour", link: "v0", address: "fe80::9", mac }, []],
  [{ kind: "forwardingEntry", link: "vxlan0", mac, to: "192.168.50.3" }, [vxlan]],
  [{ kind: "proxyNeighbour", link: "v0", address: "10.50.0.77" }, []],
  [{ kind: "proxyNeighbour", link: "v0", address: "fd50::77" }, []],
  [
    { kind: "route", where: "host", link: "vxlan0", dst: "10.50.128.0/18", gw: "192.168.50.3", isOnLink: true },
    [vxlan],
  ],
  [
    {
      ...{ kind: "rangesAcross", uplink: "v0" },
      ranges: [
        { bridge: "back", subnets: ["10.60.0.0/24", "fd60::/64"], isInternal: false, entered: "by itself" },
        { bridge: "own", subnets: ["10.70.0.0/20"], isInternal: true, entered: "by all" },
        { bridge: "alone", subnets: ["10.80.0.0/16"], isInternal: false, entered: "by none" },
      ],
    },
    [],
  ],
];

function host(): Netns {
  const ns = freshNetns();
  ns.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1");
  for (const link of ["v0", "v1"]) ns.ip("link", "set", link, "up");
  ns.ip("address", "add", "192.168.50.1/24", "dev", "v0");
  return ns;
}

/** All that these steps change, without what differs between two namespaces. */
function seen(ns: Netns): string {
  const words = [
    ...["ip -d link show type vxlan", "ip neighbour", "ip -6 neighbour show nud permanent", "ip neighbour show proxy"],
    ...["ip -6 neighbour show proxy", "bridge fdb show dev vxlan0", "ip route"],
  ];
  const shown = words.map((line) => ns.run("sh", "-c", `${line} 2>&1 || true`).replace(/ ageing \d+/g, ""));
  return [...shown, ns.nft("list", "ruleset")].join("\n");
}

function apply(step: Step, ns: Netns): void {
  using kernel = openKernel({ host: openNetns(ns.path) });
  assert.ok(checkStep(step, kernel).length > 0, "it differs before");
  if (isRules(step)) applyRules([step], kernel);
  else applyStep(step, kernel);
  using later = openKernel({ host: openNetns(ns.path) });
  assert.deepEqual(checkStep(step, later), []);
}

describe("A kind of step between hosts", function () {
  this.timeout(30_000);

  for (const [step, before] of cases) {
    it(`is printed as what it does, and undone: ${JSON.stringify(step)}`, function () {
      needs(this, "nft nat", "bridge", "ipv6");
      using applied = host();
      using typed = host();
      for (const one of before) for (const ns of [applied, typed]) apply(one, ns);
      const empty = seen(applied);
      apply(step, applied);
      for (const command of printStep(step, { netns: typed.path })) typed.run("sh", "-ec", command);
      assert.equal(seen(applied), seen(typed));
      assert.notEqual(seen(applied), empty);
      if (step.kind === "rangesAcross") return; // the chain serves other networks, too
      using kernel = openKernel({ host: openNetns(applied.path) });
      undoStep(step, kernel);
      undoStep(step, kernel);
      assert.equal(seen(applied), empty);
    });
  }
});
