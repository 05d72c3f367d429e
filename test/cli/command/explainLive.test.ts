/** `ns-net explain --live`: a probe settles what the rules leave open, and nothing of it stays. */
import assert from "node:assert/strict";
import { needs } from "../../support/needs.ts";
import { tcpServer } from "../../support/tcp.ts";
import { freshPlace, namedNetns, type Place } from "../place.ts";

describe("ns-net explain --live", function () {
  this.timeout(60_000);
  let place: Place;
  let [web, db] = ["", ""];
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ping");
    place = freshPlace();
    [web, db] = [place.name("web"), place.name("db")];
    for (const name of [web, db]) place.must("add", name, "--subnet", "10.7.0.0/24", "--bridge", "br7");
    place.host.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=1");
  });
  after(() => place?.[Symbol.dispose]());
  afterEach(() => {
    if (tables().includes("inet f")) place.host.nft("delete table inet f");
  });

  const tables = () => place.host.nft("list", "tables");
  const forward = (rule: string) => {
    place.host.nft("add table inet f; add chain inet f c { type filter hook forward priority 0; }");
    place.host.nft(`add rule inet f c ${rule}`);
  };
  const ask = (to: string, ...options: string[]) => {
    const { code, out } = place.cli("explain", web, to, "--json", ...options);
    return { code, ...JSON.parse(out) };
  };
  const leavesNothing = () => {
    assert.doesNotMatch(tables(), /live/);
    for (const name of [web, db]) assert.equal(namedNetns(name).nft("list", "tables"), "");
  };

  it("says that what may be dropped arrives", () => {
    forward("limit rate over 1000/second drop");
    assert.equal(ask(db).verdict, "unsure");
    const { code, verdict, cause } = ask(db, "--live");
    assert.deepEqual([code, verdict, cause], [0, "reachable", null]);
    leavesNothing();
  });

  it("names the rule that drops, as the kernel reports it", () => {
    forward("quota over 0 bytes drop");
    assert.equal(ask(db).verdict, "unsure");
    const { code, verdict, cause } = ask(db, "--live");
    assert.deepEqual([code, verdict, cause.code, cause.where], [1, "blocked", "dropped-by-rule", "host"]);
    assert.match(cause.what, /^table inet f, chain c, handle \d+:/);
    place.host.run("sh", "-c", cause.cure);
    assert.equal(ask(db).verdict, "reachable");
    leavesNothing();
  });

  it("does so for TCP, and inside of the receiver", async () => {
    using server = await tcpServer(namedNetns(db), "0.0.0.0", 0);
    const inside = namedNetns(db);
    inside.nft("add table inet f; add chain inet f c { type filter hook input priority 0; }");
    inside.nft("add rule inet f c tcp dport != 1 quota over 0 bytes drop");
    const { verdict, cause } = ask(`${db}:${server.port}`, "--live");
    inside.nft("delete table inet f");
    assert.deepEqual([verdict, cause.code, cause.where], ["blocked", "dropped-inside", `namespace ${db}`]);
    assert.equal(ask(`${db}:${server.port}`, "--live").verdict, "reachable");
    leavesNothing();
  });

  it("leaves nothing when it is killed", async () => {
    forward("quota over 0 bytes drop");
    const child = Bun.spawn(place.host.inside(place.command("explain", web, db, "--live")), { stdout: "ignore" });
    while (!/ns-net-live-\d+/.test(tables())) {
      assert.equal(child.exitCode, null, "it ended before its table was seen");
      await Bun.sleep(5);
    }
    child.kill("SIGKILL");
    await child.exited;
    // nsenter becomes the program, so its sockets are closed now.
    leavesNothing();
  });
});
