/** `ns-net explain --live`: a probe settles what the rules leave open, and nothing of it stays. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { run } from "../../support/sandbox.ts";
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

  it("leaves nothing when it is killed, and no instance of tracefs after the next command", async function () {
    needs(this, "tracefs");
    forward("quota over 0 bytes drop");
    const tracefs = place.file("tracefs/empty", "").replace(/\/empty$/, "");
    run(["mount", "-t", "tracefs", "tracefs", tracefs]);
    try {
      const instances = () =>
        readdirSync(join(tracefs, "instances")).filter((name) => RegExp(`^ns-net-(${pids.join("|")})(-|$)`).test(name));
      const pids: number[] = [];
      /** Kills a command once something of it is there. */
      const killedAt = async (isThere: (pid: number) => boolean) => {
        const child = Bun.spawn(place.host.inside(place.command("explain", web, db, "--live")), { stdout: "ignore" });
        pids.push(child.pid);
        while (!isThere(child.pid)) {
          assert.equal(child.exitCode, null, "it ended before it was killed");
          await Bun.sleep(1);
        }
        child.kill("SIGKILL");
        await child.exited;
        // nsenter becomes the program, so its sockets are closed now.
        leavesNothing();
      };
      const folderOf = (pid: number) => join(tracefs, "instances", `ns-net-${pid}`);
      const isEnabled = (pid: number, event: string) => {
        try {
          return readFileSync(join(folderOf(pid), "events", event, "enable"), "utf8").startsWith("1");
        } catch {
          return false;
        }
      };
      await killedAt((pid) => tables().includes(`ns-net-live-${pid}`));
      await killedAt((pid) => existsSync(folderOf(pid)));
      await killedAt((pid) => isEnabled(pid, "net/net_dev_start_xmit"));
      await killedAt((pid) => isEnabled(pid, "skb/consume_skb"));
      assert.equal(instances().length, 1, "the last one is still there");
      assert.equal(ask(db, "--live").verdict, "blocked");
      assert.deepEqual(instances(), []);
    } finally {
      run(["umount", tracefs]);
    }
    leavesNothing();
  });

  it("ends at Ctrl-C without a trace", async function () {
    needs(this, "tracefs");
    forward("quota over 0 bytes drop");
    const tracefs = place.file("tracefs/empty", "").replace(/\/empty$/, "");
    run(["mount", "-t", "tracefs", "tracefs", tracefs]);
    try {
      const child = Bun.spawn(place.host.inside(place.command("explain", web, db, "--live")), { stdout: "ignore" });
      const folder = join(tracefs, "instances", `ns-net-${child.pid}`);
      while (!existsSync(folder)) {
        assert.equal(child.exitCode, null, "it ended before the signal");
        await Bun.sleep(1);
      }
      child.kill("SIGINT");
      assert.equal(await child.exited, 130);
      assert.equal(existsSync(folder), false);
    } finally {
      run(["umount", tracefs]);
    }
    leavesNothing();
  });
});
