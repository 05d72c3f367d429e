/** `ns-net inspect`, of namespaces that ns-net attached and of others. The witnesses are ip and /proc. */
import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { links, run } from "../../support/sandbox.ts";
import { ourLinks } from "../../support/world.ts";
import { freshPlace, lab, namedNetns } from "../place.ts";

describe("ns-net inspect", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  it("begins with address and ports, and shows routes, the host end and how to enter", () => {
    using place = freshPlace();
    const name = place.name();
    const network = { ...lab, ipMasq: true, portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] };
    const address = place.must("add", name, "--network", place.file("n.json", JSON.stringify(network))).split("\n")[0];
    const text = place.must("inspect", name);
    const [first, second] = text.split("\n");
    assert.match(first!, new RegExp(`^eth0 +${address}/\\d+, .* on lab`));
    assert.match(second!, /^ports +8080:80$/);
    const { mac } = JSON.parse(place.must("inspect", name, "--json")).attachments[0];
    assert.equal(mac, links(namedNetns(name)).get("eth0").address);
    for (const word of ["default via", ourLinks(place.host)[0]!, `nsenter --net=/run/netns/${name}`])
      assert.ok(text.includes(word), `${word} in\n${text}`);
    assert.ok(
      text.split("\n").every((line) => line.length <= 80),
      text,
    );
    assert.doesNotMatch(text, /ip link add/);
    assert.match(place.must("inspect", name, "--commands"), /ip link add/);
    assert.equal(place.cli("inspect", "unknown").code, 1);
  });

  it("shows all eight kinds of namespace of the first process, all processes, and a line that enters them", async () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const inside = Bun.spawn(
      place.host.inside([nsNet, "exec", name, "unshare", "--uts", "--ipc", "sh", "-c", "echo; sleep 1000 & wait"]),
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    try {
      await inside.stdout.getReader().read();
      for (const spec of [name, `pid:${inside.pid}`]) {
        const { namespace } = JSON.parse(place.must("inspect", spec, "--json"));
        const expected = Object.fromEntries(
          readdirSync(`/proc/${inside.pid}/ns`)
            .filter((kind) => !kind.endsWith("_for_children"))
            .map((kind) => [kind, Number(/\d+/.exec(readlinkSync(`/proc/${inside.pid}/ns/${kind}`))![0])]),
        );
        type Kind = { kind: string; inode: number; isHosts: boolean };
        assert.deepEqual(Object.fromEntries(namespace.kinds.map(({ kind, inode }: Kind) => [kind, inode])), expected);
        const isHosts = Object.fromEntries(namespace.kinds.map(({ kind, isHosts }: Kind) => [kind, isHosts]));
        assert.deepEqual([isHosts["uts"], isHosts["ipc"], isHosts["net"]], [false, false, false]);
        assert.equal(isHosts["user"], true);
        assert.deepEqual(
          namespace.processes.map(({ command }: { command: string }) => command),
          ["sh", "sleep"],
        );
        const entered = run(["sh", "-c", `${namespace.enter} readlink /proc/${inside.pid}/ns/net /proc/self/ns/net`]);
        const [theirs, ours] = entered.trim().split("\n");
        assert.equal(theirs, ours);
      }
    } finally {
      for (const pid of run(["pgrep", "--parent", String(inside.pid)])
        .split("\n")
        .filter(Boolean))
        process.kill(Number(pid), "SIGKILL");
      await inside.exited;
    }
  });

  it("shows a namespace that ns-net did not attach", () => {
    using place = freshPlace();
    const name = place.name();
    run(["ip", "netns", "add", name]);
    namedNetns(name).ip("link", "set", "lo", "up");
    const text = place.must("inspect", name);
    assert.match(text, /^attached +nothing by ns-net\nlinks +lo up.*127\.0\.0\.1\/8/);
    assert.deepEqual(JSON.parse(place.must("inspect", name, "--json")).attachments, []);
    const { code, err } = place.cli("inspect", name, "--network", "no-such-network");
    assert.equal(code, 1);
    assert.match(err, /There is no network "no-such-network"/);
  });

  it("shows a namespace that never had a route", () => {
    using place = freshPlace();
    const name = place.name();
    const layer2 = { ...lab, disableContainerInterface: true, isDefaultGateway: false, ipam: {} };
    place.must("add", name, "--network", place.file("l2.json", JSON.stringify(layer2)));
    assert.match(place.must("inspect", name), /^eth0 +no address on /);
  });
});
