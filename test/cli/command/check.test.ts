/** `ns-net check` of everything. The changes that it must find are made by ip and nft. */
import { Database } from "bun:sqlite";
import assert from "node:assert/strict";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { run } from "../../support/sandbox.ts";
import { onTerminal } from "../../support/terminal.ts";
import { freshPlace, lab, namedNetns } from "../place.ts";
import { slowAdd } from "../slowIpam.ts";

describe("ns-net check without a name", function () {
  this.timeout(60_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  it("compares everything and says how many, of all networks or of one", () => {
    using place = freshPlace();
    assert.deepEqual(place.cli("check"), { code: 0, out: "Nothing is attached.\n", err: "" });
    const [web, db] = [place.name(), place.name()];
    place.must("add", web, "--publish", "8080:80");
    assert.equal(place.must("check"), "1 attachment compared: all as add made them\n");
    place.must("add", db, "--network", place.file("lab.json", JSON.stringify(lab)));
    assert.equal(place.must("check"), "2 attachments compared: all as add made them\n");
    assert.match(place.must("check", "--network", "lab"), /^1 attachment /);
    assert.equal(JSON.parse(place.must("check", "--json")).length, 2);
  });

  it("prints what differs, and nothing about the others", () => {
    using place = freshPlace();
    const [web, db] = [place.name(), place.name()];
    for (const name of [web, db]) place.must("add", name);
    namedNetns(db).ip("address", "flush", "dev", "eth0");
    const { code, out, err } = place.cli("check");
    assert.deepEqual([code, err], [1, ""]);
    assert.match(out, RegExp(`^eth0 of container ${db} on network ns-net: not as add made it\n {2}address of eth0 `));
    assert.match(out, /\n2 attachments compared: 1 not as add made it\n {2}To repair: ns-net repair;.*\n$/);
    assert.ok(!out.includes(web));
    place.must("repair", "--data-dir", place.dataDir);
    place.must("check");
  });

  it("goes on after one whose namespace is gone, and names the cure", () => {
    using place = freshPlace();
    const [gone, web] = [place.name(), place.name()];
    for (const name of [gone, web]) place.must("add", name);
    run(["ip", "netns", "del", gone]);
    const { code, out } = place.cli("check");
    assert.equal(code, 1);
    assert.match(
      out,
      RegExp(`${gone} on network ns-net: cannot be compared\n {2}.*there is no /run/netns/${gone}\n {2}.*ns-net gc`),
    );
    assert.match(out, /\n2 attachments compared: 1 cannot be compared\n/);
    const reports = JSON.parse(place.cli("check", "--json").out);
    assert.match(reports[0].error.message, /is gone/);
    assert.deepEqual(reports[1].differences, []);
    place.must("gc");
    place.must("check");
  });

  it("an interface that is gone comes back by the printed command, with its address and ports, into the same namespace", () => {
    using place = freshPlace();
    const file = place.file("lab.json", JSON.stringify(lab));
    const web = place.name();
    const address = place.must("add", web, "--network", file, "--publish", "8080:80").split("\n")[0]!;
    const inode = () => run(["stat", "-Lc", "%i", `/run/netns/${web}`]);
    const before = inode();
    namedNetns(web).ip("link", "del", "eth0");
    const { code, out } = place.cli("check");
    assert.equal(code, 1);
    const [, cure] = /\n {2}cure: ns-net (add .*)\n/.exec(out) ?? [];
    assert.equal(cure, `add ${web} --network lab --publish 8080:80 --data-dir ${place.dataDir}`);
    assert.doesNotMatch(out, /ns-net repair/);
    const repaired = place.cli("repair", "--data-dir", place.dataDir);
    assert.equal(repaired.code, 1);
    assert.ok(repaired.out.includes(`whose interface is gone: ns-net ${cure}\n`), repaired.out);
    place.must(...cure.split(" --data-dir ")[0]!.split(" "));
    place.must("check");
    assert.equal(inode(), before);
    const [link] = namedNetns(web).ip("address", "show", "dev", "eth0");
    assert.ok(link.addr_info.some(({ local }: { local: string }) => local === address));
    assert.match(place.host.nft("list", "ruleset"), new RegExp(`8080 .* : ${address.replaceAll(".", "\\.")} . 80`));
  });

  it("an interface that has another name gets its own again by the printed command, and keeps its connections", () => {
    using place = freshPlace();
    const web = place.name();
    place.must("add", web);
    const netns = namedNetns(web);
    const before = netns.ip("link", "show", "eth0")[0].ifindex;
    for (const words of ["down", "name eth7", "up"])
      netns.ip("link", "set", words === "up" ? "eth7" : "eth0", ...words.split(" "));
    const [, cure] = /\n {2}cure: (.*)\n/.exec(place.cli("check").out) ?? [];
    assert.equal(cure, `nsenter --net=/run/netns/${web} ip link set eth7 name eth0`);
    assert.ok(place.cli("repair", "--data-dir", place.dataDir).out.includes(cure!));
    netns.ip("link", "set", "eth7", "down"); // before Linux 6.2 the kernel renames no link that is up
    run(cure!.split(" "));
    assert.equal(netns.ip("link", "show", "eth0")[0].ifindex, before);
  });

  it("an add that was killed is removed by the printed command; repair names the same, and does not say that all is well", () => {
    using place = freshPlace();
    place.must("add", place.name());
    using database = new Database(join(place.dataDir, "ns-net.sqlite"));
    database.run("UPDATE attachment SET state = 'adding', steps = NULL, pid_start = '1'");
    const { code, out } = place.cli("check");
    assert.equal(code, 1);
    assert.match(out, /found an add that did not end\n {2}cure: ns-net gc --data-dir \S+\n/);
    const repaired = place.cli("repair", "--data-dir", place.dataDir);
    assert.equal(repaired.code, 1);
    assert.match(repaired.out, /^cannot repair eth0 .* whose add did not end: ns-net gc --data-dir \S+\n$/);
    place.must("gc");
    assert.equal(place.must("check"), "Nothing is attached.\n");
  });

  it("does not count an attachment that another process is adding, and names the process", async () => {
    using place = freshPlace();
    const [web, slow] = [place.name(), place.name()];
    place.must("add", web);
    const adding = await slowAdd(place, slow);
    const { code, out } = place.cli("check");
    assert.equal(await adding.finish(), 0);
    assert.equal(code, 0, out);
    assert.match(
      out,
      RegExp(`${slow} on network slow: not compared, process ${adding.pid} is changing it\n1 attachment `),
    );
    assert.equal(place.must("check"), "2 attachments compared: all as add made them\n");
  });

  it("refuses an unknown network", () => {
    using place = freshPlace();
    place.must("add", place.name());
    const { code, err } = place.cli("check", "--network", "nowhere");
    assert.equal(code, 1);
    assert.match(err, /There is no network "nowhere"/);
  });

  it("has colours on a terminal", async () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const { text } = await onTerminal(place.host.inside(place.command("check")));
    assert.equal(text, "1 attachment compared: \x1b[32mall as add made them\x1b[39m\n");
    const failed = await onTerminal(place.host.inside(place.command("check", "missing")));
    assert.ok(failed.text.startsWith("\x1b[31mns-net:\x1b[39m There is no namespace missing"), failed.text);
    const bare = await onTerminal(place.host.inside(place.command("check", "missing")), { env: { NO_COLOR: "1" } });
    assert.match(bare.text, /^ns-net: There is/);
  });
});
