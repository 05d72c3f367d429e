/** UDP flows that exist before a port is published, and after it is removed. Witnesses: the flows, `conntrack`. */
import assert from "node:assert/strict";
import { needs } from "../../support/needs.ts";
import { cable, type Netns } from "../../support/sandbox.ts";
import { udpFlow, udpServer } from "../../support/udp.ts";
import { freshWorld, type World } from "../../support/world.ts";

const port = 5353;
const published = {
  runtimeConfig: { portMappings: [{ hostPort: port, containerPort: 53, protocol: "UDP" }] },
};

function outsideOf(world: World): Netns {
  const outside = world.netns("outside");
  cable(
    { ns: world.host, ifname: "up0", cidrs: ["192.0.2.2/24"] },
    { ns: outside, ifname: "up0", cidrs: ["192.0.2.1/24"] },
  );
  outside.ip("route", "add", "default", "via", "192.0.2.2");
  return outside;
}

describe("A UDP flow that never stops", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "nft fib", "conntrack");
  });

  it("switches to the container when the port is published, and to the next one when that is gone", async () => {
    using world = freshWorld();
    const outside = outsideOf(world);
    const [a, b] = [world.netns(), world.netns()];
    using _a = await udpServer(a, 53, "a");
    using _b = await udpServer(b, 53, "b");
    // Translation is on, so that the flow is tracked from its first packet.
    world.must("ADD", world.network({ ipMasq: true }), { netns: world.netns(), container: "other" });
    using flow = udpFlow(outside, "192.0.2.2", port);
    assert.equal(await flow.heard(), "", "no server listens yet");
    world.must("ADD", world.network(published), { netns: a, container: "a" });
    assert.equal(await flow.heard(), "a");
    world.must("DEL", world.network(), { netns: "", container: "a" });
    assert.equal(await flow.heard(), "");
    world.must("ADD", world.network(published), { netns: b, container: "b" });
    assert.equal(await flow.heard(), "b");
  });

  it("to the same port of another host is not changed", async () => {
    using world = freshWorld();
    const outside = outsideOf(world);
    const [far, pod] = [world.netns(), world.netns()];
    cable(
      { ns: world.host, ifname: "far0", cidrs: ["198.51.100.2/24"] },
      { ns: far, ifname: "far0", cidrs: ["198.51.100.1/24"] },
    );
    far.ip("route", "add", "default", "via", "198.51.100.2");
    using _far = await udpServer(far, port, "far");
    world.must("ADD", world.network({ ipMasq: true }), { netns: world.netns(), container: "other" });
    using flow = udpFlow(outside, "198.51.100.1", port);
    assert.equal(await flow.heard(), "far");
    const tracked = () =>
      world.host.run("conntrack", "-L", "-p", "udp", "-d", "198.51.100.1", "-o", "id").match(/id=\d+/)?.[0];
    const before = tracked();
    assert.ok(before);
    world.must("ADD", world.network(published), { netns: pod, container: "web" });
    assert.equal(await flow.heard(), "far");
    world.must("DEL", world.network(), { netns: pod, container: "web" });
    assert.equal(tracked(), before, "the connection was deleted, and tracked again");
  });
});
