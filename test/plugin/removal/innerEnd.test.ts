/** The host end of an attachment was moved or renamed after ADD: `ip link set … netns`, `… name`. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { needs } from "../../support/needs.ts";
import { links, type Netns } from "../../support/sandbox.ts";
import { freshWorld, type Row, type World } from "../../support/world.ts";

interface Moved {
  readonly world: World;
  readonly pod: Netns;
  readonly other: Netns;
  readonly config: object;
}

const limits = { runtimeConfig: { bandwidth: { egressRate: 8e7, egressBurst: 8e6 } } };

function moved(change: object = {}, move = (host: Netns, name: string, to: Netns) => intoOther(host, name, to)): Moved {
  const world = freshWorld();
  const [pod, other] = [world.netns(), world.netns("other")];
  const config = world.network(change);
  world.must("ADD", config, { netns: pod });
  move(world.host, world.rows()[0]!.host_link, other);
  return { world, pod, other, config };
}

function intoOther(host: Netns, name: string, { name: other }: Netns): void {
  host.ip("link", "set", name, "netns", other);
}

const names = (ns: Netns) => [...links(ns).keys()];

/** DEL, then an ADD of the same attachment, which an existing interface would make fail. */
function assertRemoved({ world, pod, other, config }: Moved): void {
  world.must("DEL", config, { netns: pod });
  assert.deepEqual([names(pod), names(other), world.leases()], [["lo"], ["lo"], []]);
  world.must("ADD", config, { netns: pod });
  pod.run("ping", "-c1", "-W2", "10.7.0.1");
}

describe("DEL of a host end that left the host", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ping");
  });

  it("removes the container's end", () => {
    const found = moved();
    using _ = found.world;
    assertRemoved(found);
  });

  it("removes it if the host end has another name there", () => {
    const found = moved();
    using _ = found.world;
    found.other.ip("link", "set", found.world.rows()[0]!.host_link, "name", "mine0");
    assertRemoved(found);
  });

  it("removes it if both ends have other names and the container's another hardware address", () => {
    const found = moved();
    using _ = found.world;
    found.other.ip("link", "set", found.world.rows()[0]!.host_link, "name", "mine0");
    found.pod.ip("link", "set", "eth0", "down");
    found.pod.ip("link", "set", "eth0", "name", "net7", "address", "02:00:00:00:00:07");
    assertRemoved(found);
  });

  it("removes it if the host end lost its alias", () => {
    const found = moved();
    using _ = found.world;
    found.other.ip("link", "set", found.world.rows()[0]!.host_link, "name", "mine0", "alias", "", "group", "0");
    assertRemoved(found);
  });

  it("removes both ends if the host end was moved into the container", () => {
    const world = freshWorld();
    using _ = world;
    const [pod, other] = [world.netns(), world.netns("other")];
    world.must("ADD", world.network(), { netns: pod });
    intoOther(world.host, world.rows()[0]!.host_link, pod);
    assert.equal(names(pod).length, 3);
    assertRemoved({ world, pod, other, config: world.network() });
  });

  it("removes it beside limits, and their link", function () {
    needs(this, "ifb", "tbf");
    const found = moved(limits);
    using _ = found.world;
    found.world.must("DEL", found.config, { netns: found.pod });
    assert.deepEqual([names(found.pod), names(found.world.host)], [["lo"], ["lo", "br0"]]);
  });

  it("removes it also if the store is lost", () => {
    const found = moved();
    using _ = found.world;
    rmSync(found.world.dataDir, { recursive: true });
    assertRemoved(found);
  });

  it("removes it in the namespace of ADD with any CNI_NETNS", () => {
    const found = moved();
    using _ = found.world;
    found.world.must("DEL", found.config, { netns: "" });
    assert.deepEqual([names(found.pod), found.world.leases()], [["lo"], []]);
  });

  it("keeps an interface of that name of another program", () => {
    using world = freshWorld();
    const pod = world.netns();
    pod.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth0-peer", "netns", world.netns("other").name);
    assert.equal(world.call("ADD", world.network(), { netns: pod }).json.code, 4);
    world.must("DEL", world.network(), { netns: pod });
    assert.deepEqual(names(pod), ["lo", "eth0"]);
  });

  it("does not disturb GC: it removes the container's end, and keeps what is valid", () => {
    const found = moved();
    using _ = found.world;
    const { world, pod, config } = found;
    const kept = world.netns();
    world.must("ADD", config, { netns: kept, container: "c2" });
    world.must("GC", { ...config, "cni.dev/valid-attachments": [{ containerID: "c2", ifname: "eth0" }] });
    assert.deepEqual([names(pod), names(kept)], [["lo"], ["lo", "eth0"]]);
    assert.deepEqual(world.leases(), ["c2/eth0 10.7.0.3/24"]);
  });
});

describe("a renamed host end", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ping");
  });

  function renamed(): { world: World; pod: Netns } {
    const world = freshWorld();
    const pod = world.netns();
    world.must("ADD", world.network(), { netns: pod });
    const { host_link: name } = world.rows()[0] as Row;
    world.host.ip("link", "set", name, "down");
    world.host.ip("link", "set", name, "name", "mine0", "up");
    return { world, pod };
  }

  it("stays if its attachment is valid for GC", () => {
    const { world, pod } = renamed();
    using _ = world;
    world.must("GC", {
      ...world.network(),
      "cni.dev/valid-attachments": [{ containerID: "c1", ifname: "eth0" }],
    });
    assert.deepEqual([names(world.host), world.leases()], [["lo", "br0", "mine0"], ["c1/eth0 10.7.0.2/24"]]);
    pod.run("ping", "-c1", "-W2", "10.7.0.1");
  });

  it("is removed if it is not", () => {
    const { world, pod } = renamed();
    using _ = world;
    world.must("GC", { ...world.network(), "cni.dev/valid-attachments": [] });
    assert.deepEqual([names(world.host), names(pod), world.leases()], [["lo"], ["lo"], []]);
  });
});
