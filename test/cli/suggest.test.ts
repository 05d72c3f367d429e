/** Words that name nothing: suggestions, and the names of remembered files. Witnesses: `ip`, `nft`. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { links } from "../support/sandbox.ts";
import { onTerminal } from "../support/terminal.ts";
import { ourLinks } from "../support/world.ts";
import { freshPlace, lab, namedNetns, type Place } from "./place.ts";

/** Similar names of namespaces that do not exist. */
function names(place: Place): readonly [right: string, wrong: string] {
  const name = place.name("gateway");
  return [name, name.replace("gateway", "gatewya")];
}

describe("A name of nothing", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
  });

  it("is reported by del with a suggestion, and del changes nothing", () => {
    using place = freshPlace();
    const [name, wrong] = names(place);
    place.must("add", name);
    const { code, out, err } = place.cli("del", wrong);
    assert.deepEqual([code, out], [0, ""]);
    assert.equal(
      err,
      `ns-net: There is no namespace ${wrong}, and nothing is attached under that name\n  Did you mean ${name}?\n`,
    );
    assert.equal(ourLinks(place.host).length, 1);
    assert.deepEqual(place.cli("del", name), { code: 0, out: "", err: "" });
  });

  it("del of a namespace without attachments reports that, and leaves it", () => {
    using place = freshPlace();
    const name = place.name();
    place.host.run("ip", "netns", "add", name);
    assert.equal(place.cli("del", name).err, `ns-net: Nothing of ${name} is attached\n`);
    assert.ok(namedNetns(name).ip("link").length > 0);
  });

  it("del of several tries each, and says of each why it failed", async () => {
    using place = freshPlace();
    const [one, two, wrong] = [place.name("one"), place.name("two"), place.name("gone")];
    for (const name of [one, two]) place.must("add", name);
    const { code, err } = place.cli("del", one, "pid:0", "no such word", wrong, two);
    assert.equal(code, 1);
    for (const words of [/There is no namespace \S*gone/, /pid:0/, /no such word/]) assert.match(err, words);
    assert.deepEqual(ourLinks(place.host), []);
    const left = place.host.run("ip", "netns", "list");
    for (const name of [one, two]) assert.ok(!left.includes(name), left);
  });

  it("del on a terminal: nothing to delete is no error, and the last one says what stays", async () => {
    using place = freshPlace();
    const [name, other] = [place.name(), place.name()];
    for (const one of [name, other]) place.must("add", one, "--bridge", "br9", "--subnet", "10.9.0.0/24");
    const typed = async (...words: string[]) => onTerminal(place.host.inside(place.command("del", ...words)));
    const none = await typed(place.name("none"));
    assert.equal(none.code, 0);
    assert.match(none.text, /^ns-net: There is no namespace /);
    assert.deepEqual(await typed(name), { code: 0, text: "" });
    const last = await typed(other);
    assert.match(last.text, /Its bridge br9 stays for the next add; ns-net gc --data-dir \S+ removes it\.\n$/);
    assert.ok(links(place.host).has("br9"));
    place.must("gc");
    assert.ok(!links(place.host).has("br9"));
  });

  for (const command of ["check", "inspect", "exec"]) {
    it(`${command} fails with a suggestion`, () => {
      using place = freshPlace();
      const [name, wrong] = names(place);
      place.must("add", name);
      const { code, out, err } = place.cli(command, wrong, ...(command === "exec" ? ["--", "true"] : []));
      assert.deepEqual([code, out], [1, ""]);
      assert.match(err, new RegExp(`There is no namespace ${wrong}[\\s\\S]*Did you mean ${name}\\?`));
    });
  }

  for (const words of [["ls"], ["ls", "--json"], ["check", "web"], ["inspect", "web"]]) {
    it(`${words.join(" ")} --network with an unknown name fails with a suggestion`, () => {
      using place = freshPlace();
      place.must(
        "add",
        place.name(),
        "--network",
        place.file("lab.json", JSON.stringify({ ...lab, name: "workbench" })),
      );
      const { code, out, err } = place.cli(...words, "--network", "workbnech");
      assert.deepEqual([code, out], [1, ""]);
      assert.match(err, /There is no network "workbnech".*\n {2}Did you mean workbench\?/);
    });
  }

  it("del and gc --network report an unknown name", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    for (const words of [["del", name], ["gc"]]) {
      const { code, err } = place.cli(...words, "--network", "nosuch");
      assert.equal(code, 0);
      assert.match(err, /There is no network "nosuch".*\n {2}There is: ns-net/);
    }
    assert.equal(ourLinks(place.host).length, 1);
  });

  it("a network that is known and has no attachments is no mistake", () => {
    using place = freshPlace();
    const file = place.file("lab.json", JSON.stringify(lab));
    assert.deepEqual(place.cli("ls", "--network", file), { code: 0, out: "Nothing is attached.\n", err: "" });
    assert.equal(place.cli("ls", "--network", "ns-net").code, 0);
    const name = place.name();
    place.must("add", name, "--network", file);
    place.must("del", name);
    assert.deepEqual(place.cli("ls", "--network", "lab"), { code: 0, out: "Nothing is attached.\n", err: "" });
  });
});

describe("A network of a file that was attached to", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6");
  });

  it("is known by its name afterwards, with the present content of its file, and without the file", () => {
    using place = freshPlace();
    const [a, b, c] = [place.name(), place.name(), place.name()];
    const file = place.file("lab.json", JSON.stringify(lab));
    assert.equal(place.cli("add", a, "--network", "lab").code, 1);
    place.must("add", a, "--network", "lab.json");
    assert.match(place.must("add", b, "--network", "lab"), /^10\.20\.0\.3\n/);
    place.file("lab.json", JSON.stringify({ ...lab, mtu: 1400 }));
    place.must("add", c, "--network", "lab");
    assert.equal(links(namedNetns(c)).get("eth0").mtu, 1400);
    place.must("del", b);
    rmSync(file);
    place.must("add", b, "--network", "lab");
    assert.equal(links(place.host).get("lab0").linkinfo.info_kind, "bridge");
    const { err } = place.cli("add", place.name(), "--network", "lba");
    assert.match(err, /Cannot find a network named "lba"[\s\S]*Did you mean lab\?/);
  });

  it("is not remembered after an add that failed, and its record may be lost", () => {
    using place = freshPlace();
    const [a, b] = [place.name(), place.name()];
    const file = place.file("lab.json", JSON.stringify(lab));
    assert.equal(place.cli("add", a, "--network", file, "--ip", "10.99.0.1").code, 1);
    assert.equal(place.cli("add", a, "--network", "lab").code, 1);
    place.must("add", a, "--network", file);
    rmSync(join(place.dataDir, "networks"), { recursive: true });
    place.file("data/networks", "no folder");
    const again = place.cli("add", b, "--network", file);
    assert.equal(again.code, 0);
    assert.match(again.err, /cannot keep the network for later/);
    for (const name of [a, b]) place.must("del", name);
  });
});

describe("A ptp link by hand", () => {
  before(function () {
    needs(this, "ns-net", "nft nat");
  });

  const config = {
    ...{ cniVersion: "1.1.0", name: "p2p", type: "ptp" },
    ipam: { type: "host-local", subnet: "10.44.0.0/24", routes: [{ dst: "0.0.0.0/0" }] },
  };

  it("is shown without a bridge, also after its store was rebuilt", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name, "--network", place.file("p2p.json", JSON.stringify(config)));
    const describes = () => {
      const said = place.must("inspect", name);
      assert.doesNotMatch(said, /cni0|in bridge/);
      assert.match(
        said,
        new RegExp(`^host end {4}${ourLinks(place.host)[0]} \\(index \\d+\\), a port of no bridge$`, "m"),
      );
      assert.equal(JSON.parse(place.must("inspect", name, "--json")).attachments[0].hostLink.bridge, undefined);
    };
    describes();
    rmSync(place.dataDir, { recursive: true });
    place.must("repair", "--data-dir", place.dataDir);
    describes();
    assert.match(place.must("check", name), /as add made it/);
  });

  it("check names the host end whose packets a chain drops, and its cure works", function () {
    needs(this, "iptables");
    using place = freshPlace();
    const name = place.name();
    place.must("add", name, "--network", place.file("p2p.json", JSON.stringify(config)));
    place.host.run("iptables", "-P", "FORWARD", "DROP");
    const { err } = place.cli("check", name);
    const [host] = ourLinks(place.host);
    assert.doesNotMatch(err, /cni0/);
    assert.ok(err.includes(host!), err);
    place.host.run("sh", "-c", /or run: (.*)$/m.exec(err)![1]!);
    assert.equal(place.cli("check", name).err, "");
  });
});

describe("--ip with a prefix length", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  it("other than the network's is refused, and nothing is left; the network's is accepted", () => {
    using place = freshPlace();
    const name = place.name();
    const file = place.file("lab.json", JSON.stringify(lab));
    for (const more of [[], ["--dry-run"]]) {
      const { code, out, err } = place.cli("add", name, "--network", file, "--ip", "10.20.0.50/16", ...more);
      assert.deepEqual([code, out], [1, ""]);
      assert.equal(
        err,
        'ns-net: Cannot use --ip = "10.20.0.50/16": the network gives it as 10.20.0.50/24\n' +
          "  Ask for 10.20.0.50 or for 10.20.0.50/24; another prefix length needs another subnet\n",
      );
    }
    assert.deepEqual([ourLinks(place.host), JSON.parse(place.must("ls", "--json"))], [[], []]);
    assert.match(place.must("add", name, "--network", file, "--ip", "10.20.0.50/24"), /^10\.20\.0\.50\n/);
  });
});
