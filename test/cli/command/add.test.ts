/** `ns-net add` and `ns-net del` as a person uses them. Witness: `ip`. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { links, run } from "../../support/sandbox.ts";
import { ourLinks } from "../../support/world.ts";
import { freshPlace, lab, namedNetns, needsOwnEtc } from "../place.ts";

const ipv4 = /^\d+\.\d+\.\d+\.\d+\n$/;

describe("ns-net add", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  it("creates the namespace, prints its address and nothing else: IP=$(ns-net add web)", () => {
    using place = freshPlace();
    const name = place.name();
    const { code, out, err } = place.cli("add", name);
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, ipv4);
    const shown = links(namedNetns(name)).get("eth0").addr_info[0].local;
    assert.equal(shown, out.trim());
    place.host.run("ping", "-c1", "-W1", out.trim());
  });

  it("puts two namespaces on one network, where they reach each other", () => {
    using place = freshPlace();
    const [a, b] = [place.name(), place.name()];
    place.must("add", a);
    const address = place.must("add", b).trim();
    namedNetns(a).run("ping", "-c1", "-W1", address);
  });

  it("takes a path, and a pid", () => {
    using place = freshPlace();
    const name = place.name();
    Bun.spawnSync(["ip", "netns", "add", name]);
    place.must("add", `/run/netns/${name}`);
    assert.ok(links(namedNetns(name)).has("eth0"));
    const sleeper = Bun.spawn(namedNetns(name).inside(["sleep", "100"]));
    try {
      // Before the process has become sleep, it is nsenter on its way into the namespace.
      const deadline = performance.now() + 5000;
      const isThere = () =>
        Bun.spawnSync(["readlink", `/proc/${sleeper.pid}/exe`])
          .stdout.toString()
          .includes("sleep") ||
        Bun.spawnSync(["cat", `/proc/${sleeper.pid}/comm`])
          .stdout.toString()
          .trim() === "sleep";
      while (!isThere()) assert.ok(performance.now() < deadline);
      place.must("add", `pid:${sleeper.pid}`, "--ifname", "net1");
      assert.ok(links(namedNetns(name)).has("net1"));
      place.must("del", `pid:${sleeper.pid}`, "--ifname", "net1");
      assert.deepEqual([...links(namedNetns(name)).keys()], ["lo", "eth0"]);
    } finally {
      sleeper.kill();
    }
  });

  it("--ip, --mac and --ifname request an address, a hardware address and a name", () => {
    using place = freshPlace();
    const name = place.name();
    const network = place.file("net.json", JSON.stringify(lab));
    place.must(
      ...["add", name, "--network", network, "--ip", "10.20.0.9", "--ip", "fd20::9"],
      ...["--mac", "c2:00:00:00:00:01", "--ifname", "lan0"],
    );
    const link = links(namedNetns(name)).get("lan0");
    assert.equal(link.address, "c2:00:00:00:00:01");
    const addresses = link.addr_info.map(({ local }: { local: string }) => local);
    for (const address of ["10.20.0.9", "fd20::9"]) assert.ok(addresses.includes(address), address);
  });

  it("--json prints the result as CNI defines it", () => {
    using place = freshPlace();
    const name = place.name();
    const result = JSON.parse(place.must("add", name, "--json"));
    assert.equal(result.cniVersion, "1.1.0");
    assert.equal(result.interfaces[2].sandbox, `/run/netns/${name}`);
  });

  it("takes YAML, and a list of plugins with one of ours", () => {
    using place = freshPlace();
    const yaml =
      "name: lab\ntype: ns-net\nbridge: lab0\nisDefaultGateway: true # yes\nipam:\n  type: ns-net\n  subnet: 10.20.0.0/24\n";
    const list = { cniVersion: "1.0.0", name: "list", plugins: [{ ...lab, name: undefined }, { type: "portmap" }] };
    for (const file of [place.file("n.yaml", yaml), place.file("n.conflist", JSON.stringify(list))]) {
      const name = place.name();
      assert.match(place.must("add", name, "--network", file), /^10\.20\.0\.2\n/);
      place.must("del", name);
    }
  });

  it("names the plugin of a list that it runs, and the skipped ones", () => {
    using place = freshPlace();
    const plugins = [{ ...lab, name: undefined }, { type: "portmap" }, { type: "firewall" }];
    const file = place.file("n.conflist", JSON.stringify({ cniVersion: "1.0.0", name: "list", plugins }));
    const { code, out, err } = place.cli("add", place.name(), "--network", file);
    assert.deepEqual([code, out], [0, "10.20.0.2\nfd20::2\n"]);
    assert.equal(err, "ns-net: runs only ns-net of the network's list; skips portmap, firewall\n");
  });

  it("reports line and column of a mistake in YAML, and creates nothing", () => {
    using place = freshPlace();
    const name = place.name();
    const file = place.file("bad.yaml", "name: lab\nipam:\n  - a\n bad: [\n");
    const { code, err } = place.cli("add", name, "--network", file);
    assert.equal(code, 1);
    assert.match(err, /bad\.yaml, line \d+, column \d+/);
    assert.equal(existsSync(`/run/netns/${name}`), false);
  });

  it("reads no network from a device, a FIFO or a folder, which may have no end", () => {
    using place = freshPlace();
    const name = place.name();
    const fifo = `${place.folder}/fifo`;
    run(["mkfifo", fifo]);
    for (const file of ["/dev/zero", fifo, place.folder]) {
      const { code, err } = place.cli("add", name, "--network", file);
      assert.deepEqual([code, err.split("\n")[0]], [1, `ns-net: Cannot read ${file}: it is no regular file`]);
    }
    assert.equal(existsSync(`/run/netns/${name}`), false);
  });

  it("that fails leaves no namespace, no link and no lease", () => {
    using place = freshPlace();
    const name = place.name();
    const routes = [{ dst: "10.50.0.0/16", gw: "10.200.0.1" }];
    const bad = { ...lab, ipam: { ...lab.ipam, routes } };
    const { code, err } = place.cli("add", name, "--network", place.file("n.json", JSON.stringify(bad)));
    assert.equal(code, 1);
    assert.match(err, /^ns-net: Cannot .*\n {2}\S/);
    assert.equal(existsSync(`/run/netns/${name}`), false);
    assert.deepEqual([ourLinks(place.host), JSON.parse(place.must("ls", "--json"))], [[], []]);
  });

  it("that is interrupted leaves all or nothing, also of the namespace", async () => {
    using place = freshPlace();
    let undone = 0;
    for (let delayMs = 0; delayMs < 40; delayMs += 2) {
      const name = place.name();
      const child = Bun.spawn(place.host.inside([nsNet, "add", name, "--data-dir", place.dataDir]), {
        stdio: ["ignore", "ignore", "ignore"],
      });
      const endMs = performance.now() + delayMs;
      // A busy loop, because a timer is not exact enough to hit every stage.
      while (performance.now() < endMs);
      child.kill("SIGTERM");
      const code = await child.exited;
      const isThere = existsSync(`/run/netns/${name}`);
      assert.equal(isThere, code === 0, `after ${delayMs} ms: exit code ${code}`);
      if (code !== 0) undone++;
      place.must("del", name);
      assert.deepEqual(ourLinks(place.host), []);
    }
    assert.ok(undone > 0);
  });

  it("that cannot print its address undoes all: no namespace, no link, no entry", () => {
    using place = freshPlace();
    const name = place.name();
    for (const [options, lead, why] of [
      ["", "exec >/dev/full", "the disk is full"],
      ["--json", "exec >/dev/full", "the disk is full"],
      ["", "exec > >(true); wait $!", "its reader has gone"],
    ]) {
      const line = `${lead}; exec "$0" add ${name} --data-dir "$1" ${options}`;
      const said = Bun.spawnSync(place.host.inside(["bash", "-c", line, nsNet, place.dataDir]));
      assert.equal(said.exitCode, 1);
      assert.match(said.stderr.toString(), RegExp(`^ns-net: Cannot write standard output: ${why}\n`));
      assert.equal(existsSync(`/run/netns/${name}`), false);
      assert.deepEqual([ourLinks(place.host), JSON.parse(place.must("ls", "--json"))], [[], []]);
    }
  });

  it("finds networks by name in the folder of runtimes", function () {
    needsOwnEtc(this);
    using place = freshPlace();
    const folder = "/etc/cni/net.d";
    const path = `${folder}/10-lab-${process.pid}.conflist`;
    mkdirSync(folder, { recursive: true });
    try {
      const named = { ...lab, name: `lab-${process.pid}` };
      writeFileSync(path, JSON.stringify({ cniVersion: "1.0.0", name: named.name, plugins: [named] }));
      assert.match(place.must("add", place.name(), "--network", named.name), /^10\.20\.0\.2\n/);
      const { code, err } = place.cli("add", place.name(), "--network", "unknown");
      assert.equal(code, 1);
      assert.match(err, new RegExp(named.name));
    } finally {
      rmSync(path);
    }
  });

  it("twice is refused, and the first stays", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    assert.equal(place.cli("add", name).code, 1);
    assert.ok(links(namedNetns(name)).has("eth0"));
  });
});

describe("ns-net del", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  it("detaches, and deletes the namespace that add created", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    assert.equal(place.must("del", name), "");
    assert.deepEqual([existsSync(`/run/netns/${name}`), ourLinks(place.host)], [false, []]);
  });

  for (const first of ["eth0", "net1"]) {
    it(`deletes that namespace with its last attachment, also if ${first} was deleted first`, () => {
      using place = freshPlace();
      const name = place.name();
      place.must("add", name);
      place.must("add", name, "--ifname", "net1");
      place.must("del", name, "--ifname", first);
      assert.equal(existsSync(`/run/netns/${name}`), true);
      assert.equal(JSON.parse(place.must("ls", "--json")).length, 1);
      place.must("del", name);
      assert.deepEqual([existsSync(`/run/netns/${name}`), ourLinks(place.host)], [false, []]);
    });
  }

  it("deletes it also if the last attachment was added by a process's number", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const script = `"$0" add pid:$$ --ifname net1 --data-dir "$1" && "$0" del ${name} --ifname eth0 --data-dir "$1"`;
    // A shell that entered the namespace runs the two calls in the host's network.
    const host = place.host.path;
    namedNetns(name).run("sh", "-c", script.replaceAll('"$0"', `nsenter --net=${host} -- "$0"`), nsNet, place.dataDir);
    assert.equal(existsSync(`/run/netns/${name}`), true);
    place.must("del", name);
    assert.deepEqual([existsSync(`/run/netns/${name}`), ourLinks(place.host)], [false, []]);
  });

  it("leaves a second name that another program gave to such a namespace", () => {
    using place = freshPlace();
    const [name, other] = [place.name(), place.name("other")];
    place.must("add", name);
    writeFileSync(`/run/netns/${other}`, "");
    run(["mount", "--bind", `/run/netns/${name}`, `/run/netns/${other}`]);
    place.must("del", name);
    place.must("del", other);
    assert.deepEqual([isThere(name), isThere(other)], [false, true]);
  });

  it("leaves a namespace in which another store has an attachment", () => {
    using place = freshPlace();
    const name = place.name();
    const network = place.file("other.json", JSON.stringify({ ...lab, dataDir: `${place.folder}/other` }));
    const other = (command: string) =>
      run(place.host.inside([nsNet, command, name, "--network", network, "--ifname", "net1"]));
    place.must("add", name);
    other("add");
    place.must("del", name);
    assert.equal(isThere(name), true);
    other("del");
    assert.equal(isThere(name), false);
  });

  it("leaves a namespace that existed before", () => {
    using place = freshPlace();
    const name = place.name();
    Bun.spawnSync(["ip", "netns", "add", name]);
    place.must("add", name);
    place.must("del", name);
    assert.equal(existsSync(`/run/netns/${name}`), true);
  });

  const isThere = (name: string) => existsSync(`/run/netns/${name}`);

  it("deletes the namespace that a killed add left before attaching, or a killed del after detaching", () => {
    using place = freshPlace();
    const [left, used] = [place.name(), place.name()];
    for (const name of [left, used]) {
      place.must("add", name);
      // The state after such a kill: the namespace exists, and no entry has it.
      place.host.ip("link", "del", ourLinks(place.host)[0]!);
      rmSync(place.dataDir, { recursive: true });
    }
    namedNetns(used).ip("link", "add", "mine0", "type", "veth", "peer", "mine1");
    for (const name of [left, used]) place.must("del", name);
    assert.deepEqual([isThere(left), isThere(used)], [false, true]);
    namedNetns(used).ip("link", "del", "mine0");
    place.must("add", used);
    place.must("del", used);
    assert.equal(isThere(used), false);
  });

  it("removes the file of a name without a mount, as a killed add leaves it, after its creator had time to mount", () => {
    using place = freshPlace();
    const [again, unwanted] = [place.name(), place.name()];
    for (const name of [again, unwanted]) writeFileSync(`/run/netns/${name}`, "", { mode: 0 });
    place.must("del", unwanted);
    assert.equal(isThere(unwanted), false);
    place.must("add", again);
    assert.deepEqual(Object.keys(Object.fromEntries(links(namedNetns(again)))), ["lo", "eth0"]);
    place.must("del", again);
    assert.equal(isThere(again), false);
  });

  it("waits for a namespace that another program is creating, and does not treat it as its own", async () => {
    using place = freshPlace();
    const name = place.name();
    writeFileSync(`/run/netns/${name}`, "", { mode: 0 });
    const adding = Bun.spawn(place.host.inside([nsNet, "add", name, "--data-dir", place.dataDir]), { stdout: "pipe" });
    while (adding.exitCode === null && !readFileSync(`/proc/${adding.pid}/wchan`, "utf8").includes("nanosleep"))
      await Bun.sleep(1);
    run(["unshare", "--net", "mount", "--bind", "/proc/self/ns/net", `/run/netns/${name}`]);
    assert.equal(await adding.exited, 0);
    assert.match(await new Response(adding.stdout).text(), /^10\./);
    place.must("del", name);
    assert.equal(isThere(name), true);
    run(["ip", "netns", "del", name]);
  });

  it("deletes it also after the store was lost and rebuilt", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    rmSync(place.dataDir, { recursive: true });
    run(place.host.inside([nsNet, "repair", "--data-dir", place.dataDir]));
    place.must("del", name);
    assert.deepEqual([isThere(name), ourLinks(place.host)], [false, []]);
  });

  it("of a namespace that was never added succeeds, twice", () => {
    using place = freshPlace();
    for (const _ of [1, 2]) place.must("del", place.name());
  });

  it("works when the namespace was deleted before", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    Bun.spawnSync(["ip", "netns", "del", name]);
    place.must("del", name);
    assert.deepEqual(JSON.parse(place.must("ls", "--json")), []);
  });
});
