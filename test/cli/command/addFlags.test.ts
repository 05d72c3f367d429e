/** Flags of `ns-net add` that need no file. The witnesses are ip, tc and TCP. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { links, netnsNames } from "../../support/sandbox.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { ourLinks } from "../../support/world.ts";
import { freshPlace, lab, namedNetns, needsOwnEtc } from "../place.ts";
import { slowAdd } from "../slowIpam.ts";

describe("ns-net add with flags", function () {
  this.timeout(60_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  it("publishes ports, which ls shows as they are written", async () => {
    using place = freshPlace();
    const name = place.name();
    place.must(
      ...["add", name, "--publish", "8080:80", "-p", "127.0.0.1:8080:80"],
      ...["-p", "127.0.0.1:5353:53/udp", "-p", "9000-9001:90-91"],
    );
    using _server = await tcpServer(namedNetns(name), "0.0.0.0", 80);
    using _second = await tcpServer(namedNetns(name), "0.0.0.0", 91);
    assert.ok("seenAs" in (await tcpReach(place.host, "127.0.0.1", 8080)));
    assert.ok("seenAs" in (await tcpReach(place.host, "127.0.0.1", 9001)));
    const [row] = JSON.parse(place.must("ls", "--json"));
    assert.deepEqual(row.ports.sort(), ["127.0.0.1:5353:53/udp", "127.0.0.1:8080:80", "8080:80", "9000-9001:90-91"]);
    place.must("del", name);
    assert.ok("failed" in (await tcpReach(place.host, "127.0.0.1", 8080, { limitMs: 300 })));
  });

  it("says that no interface has the address of a published port; the port works once one has it", async () => {
    using place = freshPlace();
    const name = place.name();
    const words = [
      "add",
      name,
      "--publish",
      "10.9.9.9:8081:80",
      "--publish",
      "127.0.0.1:8082:80",
      "--publish",
      "8083:80",
    ];
    const { code, err } = place.cli(...words);
    assert.equal(code, 0);
    assert.match(err, /^ns-net: no interface of this host has 10\.9\.9\.9: port 8081 .*\n$/);
    place.host.ip("address", "add", "10.9.9.9/32", "dev", "lo");
    using _server = await tcpServer(namedNetns(name), "0.0.0.0", 80);
    assert.ok("seenAs" in (await tcpReach(place.host, "10.9.9.9", 8081)));
    place.must("del", name);
    assert.equal(place.cli(...words).err, "");
  });

  it("describes a network by its subnet and bridge, which its name means from then on", () => {
    using place = freshPlace();
    const [web, db, api] = [place.name(), place.name(), place.name()];
    const flags = ["--subnet", "10.7.0.0/24", "--bridge", "br7"];
    assert.equal(place.must("add", web, ...flags), "10.7.0.2\n");
    assert.equal(place.must("add", db, ...flags), "10.7.0.3\n");
    assert.equal(place.must("add", api, "--network", "br7"), "10.7.0.4\n");
    assert.equal(links(place.host).get("br7").addr_info[0].local, "10.7.0.1");
    assert.equal(links(place.host).get(ourLinks(place.host)[0]!).master, "br7");
    assert.equal(JSON.parse(place.must("ls", "--json", "--network", "br7")).length, 3);
    for (const name of [web, db, api]) place.must("check", name);
  });

  it("chooses a subnet that no configuration of this host has, also before anything uses it", function () {
    needsOwnEtc(this);
    using place = freshPlace();
    const folder = "/etc/cni/net.d";
    const path = join(folder, "87-podman-bridge.conflist");
    mkdirSync(folder, { recursive: true });
    // As podman's package has it.
    const bridge = {
      ...{ type: "bridge", bridge: "cni-podman0", isGateway: true, ipMasq: true },
      ipam: { type: "host-local", routes: [{ dst: "0.0.0.0/0" }], ranges: [[{ subnet: "10.88.0.0/16" }]] },
    };
    writeFileSync(path, JSON.stringify({ cniVersion: "0.4.0", name: "podman", plugins: [bridge] }));
    try {
      const name = place.name();
      assert.match(place.must("add", name, "--dry-run"), /10\.89\.0\.2\/16/);
      assert.equal(place.must("add", name), "10.89.0.2\n");
      assert.match(place.host.run("ip", "route"), /^10\.89\.0\.0\/16 dev nsnet0 /m);
    } finally {
      rmSync(path);
    }
  });

  it("gives both families, and limits both directions", function () {
    needs(this, "tbf", "ifb");
    using place = freshPlace();
    const name = place.name();
    const said = place.must("add", name, "--subnet", "10.9.0.0/24", "--subnet", "fd09::/64", "--rate", "10mbit");
    assert.equal(said, "10.9.0.2\nfd09::2\n");
    const shapers = place.host.run("tc", "qdisc").match(/tbf .* rate 10Mbit/g);
    assert.equal(shapers?.length, 2);
  });

  it("attaches to several networks, eth0 and eth1, and del removes both", () => {
    using place = freshPlace();
    const name = place.name();
    const second = place.file("second.json", JSON.stringify(lab));
    const said = place.must("add", name, "--network", "ns-net", "--network", second).split("\n");
    assert.deepEqual([said.length, said[1]], [4, "10.20.0.2"]);
    assert.deepEqual([...links(namedNetns(name)).keys()].sort(), ["eth0", "eth1", "lo"]);
    const [first, other] = JSON.parse(place.must("ls", "--json"));
    assert.deepEqual([first.interface, other.interface, other.network], ["eth0", "eth1", "lab"]);
    place.must("del", name);
    assert.deepEqual([ourLinks(place.host), netnsNames().includes(name)], [[], false]);
    const json = JSON.parse(place.must("add", name, "--network", "ns-net", "--network", second, "--json"));
    assert.equal(json.length, 2);
  });

  it("attaches to all networks or to none", () => {
    using place = freshPlace();
    const name = place.name();
    const broken = place.file("lan.json", JSON.stringify({ name: "lan", type: "macvlan", master: "no-such-link" }));
    const { code, out, err } = place.cli("add", name, "--network", "ns-net", "--network", broken, "-p", "8080:80");
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, /no-such-link/);
    assert.deepEqual([ourLinks(place.host), netnsNames().includes(name)], [[], false]);
    assert.equal(place.must("ls"), "Nothing is attached.\n");
    assert.doesNotMatch(place.host.nft("list", "ruleset"), /8080/);
  });

  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    it(`that ${signal} ends between two networks leaves all to del, or nothing`, async () => {
      using place = freshPlace();
      const name = place.name();
      const adding = await slowAdd(place, name, ["--network", place.file("lab.json", JSON.stringify(lab))]);
      assert.deepEqual([...links(namedNetns(name)).keys()].sort(), ["eth0", "lo"]);
      assert.notEqual(await adding.end(signal), 0);
      if (signal === "SIGTERM") assert.equal(netnsNames().includes(name), false, "add has undone all");
      const del = Bun.spawnSync(place.host.inside(place.command("del", name)), {
        env: { ...process.env, CNI_PATH: place.folder },
      });
      assert.equal(del.exitCode, 0, del.stderr.toString());
      assert.deepEqual([ourLinks(place.host), netnsNames().includes(name)], [[], false]);
      assert.equal(place.must("ls"), "Nothing is attached.\n");
    });
  }

  it("joins the network of a bridge, which is free for another subnet once nothing is attached", () => {
    using place = freshPlace();
    const [web, db] = [place.name(), place.name()];
    place.must("add", web, "--bridge", "br7", "--subnet", "10.7.0.0/24");
    assert.equal(place.must("add", db, "--bridge", "br7"), "10.7.0.3\n");
    for (const name of [web, db]) place.must("del", name);
    const left = place.cli("add", web, "--bridge", "br7", "--subnet", "10.8.0.0/24");
    assert.equal(left.code, 1);
    assert.match(left.err, /it is left of an earlier network, with 10\.7\.0\.1\/24\n.*ns-net gc/);
    place.must("gc");
    assert.equal(place.must("add", web, "--bridge", "br7", "--subnet", "10.8.0.0/24"), "10.8.0.2\n");
  });

  it("refuses the bridge and the subnet of another network, and names the flag that joins it", () => {
    using place = freshPlace();
    place.must("add", place.name(), "--network", place.file("lab.json", JSON.stringify(lab)));
    place.must("add", place.name(), "--bridge", "br7", "--subnet", "10.7.0.0/24");
    place.host.ip("link", "add", "docker0", "type", "bridge");
    place.host.ip("address", "add", "172.17.0.1/16", "dev", "docker0");
    for (const [words, message] of [
      [["--bridge", "lab0"], /the network lab has it\n {2}Join that network with --network lab/],
      [["--bridge", "nsnet0"], /the default network has it\n {2}Leave --bridge out/],
      [["--bridge", "docker0"], /another program gave it 172\.17\.0\.1\/16\n/],
      [["--subnet", "10.20.0.0/25"], /the network lab has it\n {2}Join/],
      [["--subnet", "10.7.0.0/24"], /the network br7 has it\n {2}Join that network with --network br7/],
    ] as const) {
      const { code, err } = place.cli("add", "x", ...words);
      assert.equal(code, 1);
      assert.match(err, message);
    }
    assert.ok(!netnsNames().includes("x"));
  });

  it("that fails forgets the network that its flags described", () => {
    using place = freshPlace();
    const [web, db] = [place.name(), place.name()];
    place.must("add", web, "-p", "8080:80");
    assert.equal(place.cli("add", db, "--bridge", "br7", "--subnet", "10.7.0.0/24", "-p", "8080:80").code, 1);
    assert.ok(!place.must("network", "ls", "--data-dir", place.dataDir).includes("br7"));
    assert.equal(place.must("add", db, "--bridge", "br7", "--subnet", "10.8.0.0/24"), "10.8.0.2\n");
  });

  it("of several at the same time on one bridge, those with one subnet succeed", async () => {
    using place = freshPlace();
    const adds = [1, 2, 1, 2, 1, 2].map((subnet) => {
      const words = ["--bridge", "br7", "--subnet", `10.${subnet}.0.0/24`];
      const child = Bun.spawn(place.host.inside(place.command("add", place.name(), ...words)), {
        stdout: "pipe",
        stderr: "pipe",
      });
      return { subnet, child };
    });
    const won: number[] = [];
    for (const { subnet, child } of adds) {
      const said = await new Response(child.stderr).text();
      if ((await child.exited) === 0) won.push(subnet);
      else assert.match(said, /the network br7 has 10\.\d\.0\.0\/24\n/);
    }
    assert.equal(won.length, 3, "all with the subnet of the first");
    assert.equal(new Set(won).size, 1);
    assert.equal(
      links(place.host)
        .get("br7")
        .addr_info.filter(({ family }: { family: string }) => family === "inet").length,
      1,
    );
  });

  for (const [words, exitCode, message] of [
    [["-p", "80:80", "-p", "80:81"], 2, /--publish 80:81: --publish 80:80 takes that port of the host already/],
    [["-p", "80:80/tcp", "-p", "10.0.0.1:80:81"], 2, /takes that port/],
    [["-p", "80"], 2, /--publish "80": give HOST:CONTAINER/],
    [["-p", "0:80"], 2, /ports are 1 to 65535/],
    [["-p", "80-90:80-85"], 2, /11 ports of the host cannot lead to 6/],
    [["-p", "80:80/icmp"], 2, /give HOST:CONTAINER/],
    [["--subnet", "10.7.0.1/24"], 2, /is an address in a subnet: give 10\.7\.0\.0\/24/],
    [["--subnet", "10.7.0.0"], 2, /give a subnet as/],
    [["--rate", "1bit"], 2, /the least is 8bit/],
    [["-p", "80:80", "-p", "80:80"], 2, /takes that port/],
    [["--bridge", "a b"], 2, /--bridge "a b": give a name of 1 to 15/],
    [["--bridge", "bridge-of-16-chars"], 2, /give a name of 1 to 15/],
    [["--rate", "10"], 2, /give a number and a unit of tc/],
    [["--subnet", "10.7.0.0/24", "--network", "ns-net"], 2, /give either/],
    [["--network", "a", "--network", "b", "--ifname", "net0"], 2, /--ifname is for one interface/],
    [["--network", "a", "--network", "b", "--ip", "10.0.0.2"], 2, /--ip is for one interface/],
    [["--subnet", "198.51.100.0/25"], 1, /the host has a route of 198\.51\.100\.0\/24 to probe0\n {2}Choose another/],
    [["--subnet", "198.51.0.0/16"], 1, /the host has a route of 198\.51\.100\.0\/24 to probe0/],
  ] as const) {
    it(`refuses ${words.join(" ")}, and changes nothing`, () => {
      using place = freshPlace();
      place.host.ip("link", "add", "probe0", "type", "bridge");
      place.host.ip("address", "add", "198.51.100.1/24", "dev", "probe0");
      place.host.ip("link", "set", "probe0", "up");
      const { code, out, err } = place.cli("add", "web", ...words);
      assert.deepEqual([code, out], [exitCode, ""], err);
      assert.match(err, message);
      assert.deepEqual([...links(place.host).keys()].sort(), ["lo", "probe0"]);
      assert.ok(!netnsNames().includes("web"));
    });
  }

  it("refuses another subnet for a bridge that has one, and a port that another container has", () => {
    using place = freshPlace();
    const [web, db] = [place.name(), place.name()];
    place.must("add", web, "--subnet", "10.7.0.0/24", "--bridge", "br7", "-p", "8080:80");
    const other = place.cli("add", db, "--subnet", "10.8.0.0/24", "--bridge", "br7");
    assert.equal(other.code, 1);
    assert.match(other.err, /the network br7 has 10\.7\.0\.0\/24/);
    const taken = place.cli("add", db, "--bridge", "br7", "-p", "8080:80");
    assert.equal(taken.code, 1);
    assert.match(taken.err, new RegExp(`Cannot publish port 8080/tcp: eth0 of container ${web}`));
    assert.ok(!netnsNames().includes(db));
  });

  it("prints the commands for all networks with --dry-run, and does nothing", () => {
    using place = freshPlace();
    const name = place.name();
    const second = place.file("second.json", JSON.stringify(lab));
    const script = place.must("add", name, "--network", "ns-net", "--network", second, "-p", "80:80", "--dry-run");
    assert.equal(script.match(/^ip netns add/gm)?.length, 1);
    for (const word of ["nsnet0", "lab0", "eth0", "eth1", "tcp . 80"]) assert.ok(script.includes(word), word);
    assert.ok(!netnsNames().includes(name));
    assert.deepEqual([...links(place.host).keys()], ["lo"]);
  });
});
