/** `ns-net explain`: words, exit codes, JSON and the picture. The causes are in test/explain/path/. */
import assert from "node:assert/strict";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { tcpServer } from "../../support/tcp.ts";
import { freshPlace, namedNetns, type Place } from "../place.ts";

describe("ns-net explain", function () {
  this.timeout(60_000);
  let place: Place;
  let [web, db] = ["", ""];
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "ping");
    place = freshPlace();
    [web, db] = [place.name("web"), place.name("db")];
    for (const name of [web, db]) place.must("add", name, "--subnet", "10.7.0.0/24", "--bridge", "br7");
    place.host.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0");
  });
  after(() => place?.[Symbol.dispose]());

  it("exits with 0 and prints a picture of at most 80 columns when the path is reachable", () => {
    const { code, out } = place.cli("explain", web, db);
    assert.equal(code, 0, out);
    assert.match(out, /^┌─ namespace web-\S+ ─+┐$/m);
    assert.match(out, /\nreachable\n$/);
    for (const line of out.split("\n")) assert.ok(Bun.stringWidth(line) <= 80, line);
    namedNetns(web).run("ping", "-c1", "-W3", "10.7.0.3");
  });

  it("exits with 1, marks the failing hop, and ends with the sentence and the cure", () => {
    place.host.run("ip", "link", "set", "br7", "down");
    const { code, out } = place.cli("explain", web, db);
    place.host.run("ip", "link", "set", "br7", "up");
    assert.equal(code, 1);
    assert.match(out, /│ ✗ bridge +the bridge br7 is down/);
    assert.match(out, /\nblocked: the bridge br7 is down \(bridge-down, host\)\ncure: ip link set br7 up\n$/);
  });

  it("exits with 3 when it is unsure, and names the rule", () => {
    place.host.nft("add table inet f; add chain inet f c { type filter hook forward priority 0; policy drop; }");
    place.host.nft("add rule inet f c limit rate 9/second accept");
    place.host.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=1");
    const { code, out } = place.cli("explain", web, db, "--json");
    place.host.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0");
    place.host.nft("delete table inet f");
    const { verdict, cause } = JSON.parse(out);
    assert.deepEqual([code, verdict], [3, "unsure"]);
    assert.match(cause.what, /limit in table inet f, chain c, handle \d+/);
  });

  it("prints JSON with the keys that programs rely on", async () => {
    using server = await tcpServer(namedNetns(db), "0.0.0.0", 0);
    const found = JSON.parse(place.must("explain", web, `${db}:${server.port}`, "--json"));
    assert.deepEqual(Object.keys(found), ["from", "to", "verdict", "cause", "hops"]);
    assert.equal(found.from, web);
    assert.equal(found.to, `10.7.0.3:${server.port}/tcp`);
    assert.equal(found.cause, null);
    for (const { crossing, ...hop } of found.hops) {
      assert.deepEqual(Object.keys(hop), ["where", "what", "says", "verdict"]);
      assert.equal(crossing !== undefined, hop.what === "veth", "the picture of a lab needs the ends of links");
    }
    const [first] = found.hops.filter(({ what }: { what: string }) => what === "veth");
    assert.deepEqual([first.crossing.from, first.crossing.into], ["eth0", "host"]);
  });

  for (const [words, to] of [
    ["an address", () => "10.7.0.3"],
    ["a path", () => namedNetns(db).path],
    ["the host", () => "host"],
  ] as const) {
    it(`takes ${words}`, () => void place.must("explain", web, to()));
  }

  it("takes an address as FROM, and URLs and ports as TO", async () => {
    using _server = await tcpServer(namedNetns(db), "0.0.0.0", 80);
    place.must("explain", "10.7.0.2", "10.7.0.3:80");
    place.must("explain", web, "http://10.7.0.3/path");
    assert.equal(place.cli("explain", web, `${db}:81`).code, 1);
    assert.equal(place.cli("explain", web, `${db}:53/udp`).code, 1);
  });

  it("says that the namespace of an attached pod is gone", () => {
    const gone = place.name("gone");
    place.must("add", gone, "--subnet", "10.7.0.0/24", "--bridge", "br7");
    place.host.run("ip", "netns", "del", gone);
    for (const [from, to] of [
      [gone, web],
      [web, gone],
    ] as const) {
      const { code, out } = place.cli("explain", from, to, "--json");
      assert.equal(code, 1, out);
      assert.deepEqual(
        [JSON.parse(out).cause.code, JSON.parse(out).cause.where],
        ["no-namespace", `namespace ${gone}`],
      );
    }
    place.must("del", gone);
  });

  it("refuses names that nothing has, with a suggestion, and bad ports: exit code 2", () => {
    const near = place.cli("explain", web, `${db}x`);
    assert.equal(near.code, 2);
    assert.match(near.err, RegExp(`did you mean ${db}\\?`));
    assert.equal(place.cli("explain", web, "qqqqqqqq").code, 2);
    assert.equal(place.cli("explain", web, `${db}:99999`).code, 2);
    assert.equal(place.cli("explain", "outside", "outside").code, 2);
    assert.match(place.cli("explain", web, "host:8080x").err, /write PLACE:PORT or PLACE:PORT\/udp/);
    assert.match(place.cli("explain", `${web}:80`, db).err, /only TO has a port/);
    assert.equal(place.cli("explain", "outside", web, "--live").code, 2);
  });

  it("says of a host without a default route that nothing outside reaches it", () => {
    const { code, out } = place.cli("explain", "outside", web, "--json");
    assert.equal(code, 1, out);
    assert.equal(JSON.parse(out).cause.code, "no-host-route");
  });

  it("attaches again what has lost its interface or its namespace, by the printed cure", () => {
    for (const lose of ["link del eth0", undefined]) {
      const lost = place.name("lost");
      place.must("add", lost, "--subnet", "10.7.0.0/24", "--bridge", "br7");
      if (lose) namedNetns(lost).run("ip", ...lose.split(" "));
      else place.host.run("ip", "netns", "del", lost);
      const { cause } = JSON.parse(place.cli("explain", web, lost, "--json").out);
      assert.equal(cause.code, lose ? "no-interface" : "no-namespace");
      const cure = cause.cure.replaceAll(/ns-net (del|add)/g, `${nsNet} $1 --data-dir ${place.dataDir}`);
      place.host.run("sh", "-ec", cure);
      namedNetns(web).run(
        "ping",
        "-c1",
        "-W3",
        namedNetns(lost).ip("-4", "address", "show", "dev", "eth0")[0].addr_info[0].local,
      );
      assert.equal(place.cli("explain", web, lost).code, 0);
      place.must("del", lost);
    }
  });

  it("says no-interface for a namespace with lo alone", () => {
    const bare = place.name("bare");
    place.host.run("ip", "netns", "add", bare);
    const { out } = place.cli("explain", web, bare, "--json");
    assert.equal(JSON.parse(out).cause.code, "no-interface");
  });
});
