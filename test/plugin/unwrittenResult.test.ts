/** An ADD whose result cannot be written fails: ADD is all or nothing, with any interface plugin. */
import assert from "node:assert/strict";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { type Netns, run } from "../support/sandbox.ts";
import { freshWorld, ourLinks, ranges, type World } from "../support/world.ts";

/** The standard output: a full disk, and a pipe whose reader has ended. */
const outputs = {
  "a full disk": { lead: "exec >/dev/full", why: "the disk is full" },
  "a reader that has gone": { lead: "exec > >(true); wait $!", why: "its reader has gone" },
} as const;

type Output = keyof typeof outputs;

/** ADD with such a standard output. Answers its standard error. */
function untoldAdd(world: World, netns: Netns, config: object, output: Output): string {
  const said = Bun.spawnSync(world.host.inside(["bash", "-c", `${outputs[output].lead}; exec "$0"`, nsNet]), {
    env: {
      ...{ PATH: process.env["PATH"], CNI_COMMAND: "ADD", CNI_CONTAINERID: "c1", CNI_IFNAME: "eth0" },
      ...{ CNI_NETNS: netns.path, CNI_PATH: "/usr/lib/cni" },
    },
    stdin: Buffer.from(JSON.stringify(config)),
  });
  assert.equal(said.exitCode, 1);
  return said.stderr.toString();
}

describe("ADD whose standard output cannot be written", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
  });

  for (const output of Object.keys(outputs) as Output[]) {
    it(`leaves no link and no lease for ${output}, and reports the reason on standard error`, () => {
      using world = freshWorld();
      const netns = world.netns();
      const fault = JSON.parse(untoldAdd(world, netns, world.network({ ipMasq: true }), output));
      assert.deepEqual([fault.code, fault.msg], [5, `Cannot write standard output: ${outputs[output].why}`]);
      assert.deepEqual([ourLinks(world.host), world.rows()], [[], []]);
      assert.deepEqual(
        netns.ip("link").map(({ ifname }) => ifname),
        ["lo"],
      );
      // The address is free again, and another ADD succeeds.
      assert.equal(world.must("ADD", world.network(), { netns }).ips[0].address, "10.7.0.3/24");
    });

    it(`undoes what a chained plugin did for ${output}, and only that`, () => {
      using world = freshWorld();
      const netns = world.netns();
      const prevResult = world.must("ADD", world.network(), { netns });
      const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
      const portmap = { type: "portmap", prevResult, runtimeConfig: { portMappings } };
      untoldAdd(world, netns, world.network({ ipam: undefined, ...portmap }), output);
      assert.doesNotMatch(world.host.nft("--stateless", "list", "ruleset"), /8080/);
      assert.deepEqual(world.leases(), ["c1/eth0 10.7.0.2/24"]);
      assert.equal(ourLinks(world.host).length, 1);
    });

    it(`frees an address that another plugin requested for ${output}`, () => {
      using world = freshWorld();
      const netns = world.netns();
      untoldAdd(
        world,
        netns,
        world.network({ type: "host-local", ipam: { ...ranges("10.7.0.0/24"), type: "host-local" } }),
        output,
      );
      assert.deepEqual(world.rows(), []);
    });
  }

  it("is undone also if standard error has no reader", () => {
    using world = freshWorld();
    const netns = world.netns();
    const env = `CNI_COMMAND=ADD CNI_CONTAINERID=c1 CNI_IFNAME=eth0 CNI_NETNS=${netns.path} CNI_PATH=/usr/lib/cni`;
    const line = `exec 3> >(true); wait $!; echo '${JSON.stringify(world.network())}' | ${env} "$0" >&3 2>&3; echo $?`;
    assert.equal(run(world.host.inside(["bash", "-c", line, nsNet])).trim(), "1");
    assert.deepEqual([ourLinks(world.host), world.rows()], [[], []]);
  });
});
