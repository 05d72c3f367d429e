/** `ns-net watch`. The changes are made by ip, nft and ns-net; each must be reported, by its kind, place and words. */
import assert from "node:assert/strict";
import { needs } from "../../../support/needs.ts";
import { nsNet } from "../../../support/plugin.ts";
import { freshPlace, type Place } from "../../place.ts";

interface Change {
  readonly time: string;
  readonly about: string;
  readonly where: string;
  readonly what: string;
  readonly says: string;
}

const add = (place: Place, name: string) =>
  place.must("add", name, "--subnet", "10.7.0.0/24", "--bridge", "br7", "--publish", "8080:80");

describe("ns-net watch", function () {
  this.timeout(120_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "nft", "ip");
  });

  it("reports attachments, links, addresses, routes and rules, on the host and in containers", async () => {
    using place = freshPlace();
    const web = place.name();
    using watch = await watching(place);
    add(place, web);
    await watch.saw("attachment", "host", "added", `eth0 of container ${web} on network br7`);
    await watch.saw("link", "host", "added", "br7 (bridge)");
    await watch.saw("address", "host", "added", "10.7.0.1/24 on br7");
    await watch.saw("address", web, "added", "10.7.0.2/24 on eth0");
    await watch.saw("rules", "host", "added", /^ns-net \(process \d+\) added table inet ns_net with .* rules/);
    const inside = (...words: string[]) => Bun.spawnSync(["ip", "-n", web, ...words]);
    inside("address", "add", "10.9.0.1/24", "dev", "eth0");
    await watch.saw("address", web, "added", "10.9.0.1/24 on eth0");
    inside("address", "del", "10.9.0.1/24", "dev", "eth0");
    await watch.saw("address", web, "removed", "10.9.0.1/24 on eth0");
    inside("link", "set", "eth0", "mtu", "1400");
    await watch.saw("link", web, "changed", "eth0 mtu 1500 → 1400");
    inside("route", "add", "10.77.0.0/16", "via", "10.7.0.1");
    await watch.saw("route", web, "added", "10.77.0.0/16 via 10.7.0.1 dev eth0");
    inside("link", "set", "eth0", "down");
    await watch.saw("link", web, "down", "eth0");
    await watch.saw("link", "host", "down", /^nsv\S+ without carrier$/);
    place.host.run("ip", "link", "add", "one0", "type", "veth", "peer", "name", "two0");
    place.host.run("ip", "link", "set", "one0", "master", "br7");
    await watch.saw("link", "host", "changed", "one0 joined br7");
    place.host.run("ip", "link", "set", "one0", "name", "uno0");
    await watch.saw("link", "host", "changed", "one0 is now uno0");
    place.host.run("ip", "link", "del", "uno0");
    await watch.saw("link", "host", "removed", "uno0");
    place.host.nft("add table inet own; add chain inet own c; add rule inet own c accept");
    await watch.saw("rules", "host", "added", /^nft \(process \d+\) added table inet own with 1 chain, 1 rule$/);
    place.host.nft("flush", "ruleset");
    await watch.saw(
      "rules",
      "host",
      "removed",
      /^nft \(process \d+\) removed table inet ns_net with .*: rules of ns-net are gone; ns-net repair brings them back/,
    );
    place.must("del", web);
    await watch.saw("attachment", "host", "removed", `eth0 of container ${web} on network br7`);
    assert.ok(watch.all.every(({ time }) => Math.abs(Date.parse(time) - Date.now()) < 120_000));
    // Nothing is said of what the kernel repeats, and of link-local addresses.
    assert.ok(!watch.all.some(({ says }) => says.startsWith("fe80:")));
    const added = watch.all.filter(({ what, says }) => what === "added" && says === "10.7.0.2/24 on eth0");
    assert.equal(added.length, 1);
  });

  it("says nothing of what there was before", async () => {
    using place = freshPlace();
    const web = place.name();
    add(place, web);
    using watch = await watching(place);
    Bun.spawnSync(["ip", "-n", web, "link", "set", "eth0", "mtu", "1400"]);
    await watch.saw("link", web, "changed", "eth0 mtu 1500 → 1400");
    assert.equal(watch.all.length, 1, JSON.stringify(watch.all));
  });

  it("says that events were lost, and goes on", async () => {
    using place = freshPlace();
    using watch = await watching(place);
    // While it does not run, more events come than its buffer of 16 MiB holds.
    watch.signal("SIGSTOP");
    const routes = Array.from({ length: 80_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    const batch = place.file("routes", routes.map((one) => `route add blackhole ${one}\n`).join(""));
    place.host.run("ip", "-batch", batch);
    watch.signal("SIGCONT");
    await watch.saw("lost", "host", "lost", /could not deliver all events/);
    place.host.run("ip", "link", "add", "later0", "type", "bridge");
    await watch.saw("link", "host", "added", "later0 (bridge)");
  });

  it("prints lines for people, and ends quietly when its reader is gone", async () => {
    using place = freshPlace();
    const child = Bun.spawn(place.host.inside(["sh", "-c", `"${nsNet}" watch | head -1`]), {
      stderr: "pipe",
      stdout: "pipe",
    });
    const errors = child.stderr.getReader();
    assert.match(Buffer.from((await errors.read()).value!).toString(), /watching; Ctrl-C ends it/);
    place.host.run("ip", "link", "add", "one0", "type", "bridge");
    place.host.run("ip", "link", "add", "two0", "type", "bridge");
    place.host.run("ip", "link", "del", "two0");
    const out = await new Response(child.stdout).text();
    assert.match(out, /^\d\d:\d\d:\d\d\.\d{3} {2}host +link +added +one0 \(bridge\)\n$/);
    assert.equal(await child.exited, 0);
  });
});

/** A machine that is busy with other tests. */
const lateMs = 20_000;

/** Resolves when it listens. */
async function watching(place: Place) {
  const all: Change[] = [];
  let changed = Promise.withResolvers<void>();
  const child = Bun.spawn(place.host.inside([nsNet, "watch", "--json"]), { stdout: "pipe", stderr: "inherit" });
  const read = async () => {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop()!;
      all.push(...lines.map((line) => JSON.parse(line)));
      changed.resolve();
      changed = Promise.withResolvers();
    }
  };
  void read();
  const saw = async (about: string, where: string, what: string, says: string | RegExp) => {
    const isIt = (one: Change) =>
      one.about === about &&
      one.where === where &&
      one.what === what &&
      (typeof says === "string" ? one.says === says : says.test(one.says));
    const late = Bun.sleep(lateMs).then(() => "late");
    while (!all.some(isIt)) {
      if ((await Promise.race([changed.promise, late])) === "late")
        assert.fail(
          `not reported: ${[about, where, what, says].join(" ")}\n${all.map((one) => JSON.stringify(one)).join("\n")}`,
        );
    }
  };
  // Without a word that it listens, a change that it can report is made until it does.
  for (let i = 0; all.length === 0; i++) {
    place.host.run("ip", "address", i % 2 ? "del" : "add", "198.51.100.1/32", "dev", "lo");
    await Promise.race([changed.promise, Bun.sleep(50)]);
  }
  place.host.run("ip", "address", "replace", "198.51.100.2/32", "dev", "lo");
  await saw("address", "host", "added", "198.51.100.2/32 on lo");
  all.length = 0;
  return {
    all,
    saw,
    signal: (signal: NodeJS.Signals) => child.kill(signal),
    [Symbol.dispose]: () => child.kill(),
  };
}
