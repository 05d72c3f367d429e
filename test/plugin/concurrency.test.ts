/** Many calls at once: on a network that does not exist yet, on the same container, on one bridge with two networks, beside GC. */
import { Database } from "bun:sqlite";
import assert from "node:assert/strict";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { type Answer, startPlugin } from "../support/plugin.ts";
import { links } from "../support/sandbox.ts";
import { dualStack, freshWorld, ourLinks, ranges, type World } from "../support/world.ts";

interface Pod {
  readonly container: string;
  readonly netns: ReturnType<World["netns"]>;
}

const pods = (world: World, many: number): Pod[] =>
  Array.from({ length: many }, (_, i) => ({ container: `c${i}`, netns: world.netns() }));

function start(world: World, command: "ADD" | "DEL" | "GC", config: object, pod?: Pod): Promise<Answer> {
  const of = pod ? { container: pod.container, netns: pod.netns } : {};
  return startPlugin({ command, host: world.host, config, ...of }).answer;
}

const said = ({ code, stdout, stderr }: Answer) => `exit ${code}: ${stdout}${stderr}`;

function assertAll(answers: readonly Answer[]): void {
  assert.deepEqual(answers.filter(({ code }) => code !== 0).map(said), []);
}

const addressesOf = (answers: readonly Answer[]): string[] =>
  answers.flatMap(({ json }) => json.ips.map(({ address }: { address: string }) => address));

describe("Many calls at once", function () {
  this.timeout(60_000);

  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat");
  });

  it("ADD on a network whose bridge, store and rules do not exist yet", async () => {
    using world = freshWorld();
    const config = world.network({ ipMasq: true, ipam: dualStack });
    const answers = await Promise.all(pods(world, 30).map((pod) => start(world, "ADD", config, pod)));
    assertAll(answers);
    const addresses = addressesOf(answers);
    assert.deepEqual([addresses.length, new Set(addresses).size, ourLinks(world.host).length], [60, 60, 30]);
    assert.deepEqual(
      world.rows().filter(({ state }) => state !== "attached"),
      [],
    );
    assert.equal(world.host.nft("list", "ruleset").match(/\bchain /g)?.length, 1);
  });

  it("ADD on a network that has no subnet yet: one is chosen, once", async () => {
    using world = freshWorld();
    const config = world.network({ ipam: { type: "ns-net" } });
    const answers = await Promise.all(pods(world, 12).map((pod) => start(world, "ADD", config, pod)));
    assertAll(answers);
    assert.equal(new Set(answers.map(({ json }) => json.ips[0].gateway)).size, 1);
  });

  it("two networks on one bridge", async () => {
    using world = freshWorld();
    const other = world.network({ name: "other", ipMasq: true, ipam: ranges("10.8.0.0/24") });
    const all = pods(world, 24);
    const answers = await Promise.all(
      all.map((pod, i) => start(world, "ADD", i % 2 === 0 ? world.network({ ipMasq: true }) : other, pod)),
    );
    assertAll(answers);
    assert.equal(new Set(addressesOf(answers)).size, 24);
    assertAll([await start(world, "GC", { ...other, "cni.dev/valid-attachments": [] })]);
    assert.equal(ourLinks(world.host).length, 12);
    assert.ok(links(world.host).has("br0"));
  });

  it("ADD and DEL of the same container: the end is a whole attachment or nothing", async () => {
    using world = freshWorld();
    const config = world.network();
    const [pod] = pods(world, 1) as [Pod];
    for (let round = 0; round < 8; round++) {
      const order = round % 2 === 0 ? (["ADD", "DEL", "ADD"] as const) : (["DEL", "ADD", "DEL", "DEL"] as const);
      const answers = await Promise.all(order.map((command) => start(world, command, config, pod)));
      for (const [i, answer] of answers.entries()) {
        if (order[i] === "DEL") assert.equal(answer.code, 0, said(answer));
        else assert.ok(answer.code === 0 || [4, 11, 100].includes(answer.json.code), said(answer));
      }
      const states = world.rows().map(({ state }) => state);
      const stands = links(pod.netns).has("eth0");
      assert.deepEqual([states, ourLinks(world.host).length], stands ? [["attached"], 1] : [[], 0], `round ${round}`);
      assertAll([await start(world, "DEL", config, pod)]);
      assert.deepEqual([world.rows(), ourLinks(world.host)], [[], []]);
    }
  });

  it("GC while others add: attachments that began after it, or are not finished, stay", async () => {
    using world = freshWorld();
    const config = world.network({ ipMasq: true });
    const all = pods(world, 24);
    const gcs: Promise<Answer>[] = [];
    const answers = await Promise.all(
      all.map((pod, i) => {
        const valid = all.slice(0, i).map(({ container }) => ({ containerID: container, ifname: "eth0" }));
        if (i % 6 === 5) gcs.push(start(world, "GC", { ...config, "cni.dev/valid-attachments": valid }));
        return start(world, "ADD", config, pod);
      }),
    );
    assertAll(await Promise.all(gcs));
    const addresses = addressesOf(answers.filter(({ code }) => code === 0));
    assert.equal(new Set(addresses).size, addresses.length);
    // Each collected attachment was whole: its link and entry are both gone.
    assert.equal(world.rows().length, ourLinks(world.host).length);
  });

  it("a call that waits too long for the store names the process that holds it", async () => {
    using world = freshWorld();
    const config = world.network();
    const [first, second] = pods(world, 2) as [Pod, Pod];
    assertAll([await start(world, "ADD", config, first)]);
    using holder = new Database(join(world.dataDir, "ns-net.sqlite"));
    holder.run("BEGIN IMMEDIATE");
    const { json } = await start(world, "ADD", config, second);
    assert.equal(json.code, 11);
    assert.match(json.msg, new RegExp(`process ${process.pid} \\(`));
    holder.run("ROLLBACK");
    assertAll([await start(world, "ADD", config, second)]);
  });
});
