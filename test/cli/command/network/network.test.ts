/** `ns-net network ls|inspect|create|rm`. The witnesses are the files, `ip` and `nft`. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { needs } from "../../../support/needs.ts";
import { links } from "../../../support/sandbox.ts";
import { freshPlace, needsOwnEtc } from "../../place.ts";

const folder = "/etc/cni/net.d";

describe("ns-net network", function () {
  this.timeout(60_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
    needsOwnEtc(this);
    mkdirSync(folder, { recursive: true });
    for (const file of readdirSync(folder)) rmSync(`${folder}/${file}`, { recursive: true });
  });
  afterEach(() => {
    for (const file of readdirSync(folder)) rmSync(`${folder}/${file}`);
  });

  type Place = ReturnType<typeof freshPlace>;
  const listed = (place: Place) => JSON.parse(place.must("network", "ls", "--json"));
  const files = () => readdirSync(folder).sort();

  it("ls leaves out the bridge without ports to which ns-net sends what it drops", () => {
    using place = freshPlace();
    place.must("add", place.name(), "--publish", "8080:80");
    assert.match(place.host.run("ip", "-br", "link"), /nsnet-closed/);
    const networks: { name: string }[] = JSON.parse(place.must("network", "ls", "--json", "--data-dir", place.dataDir));
    assert.ok(networks.every(({ name }) => name !== "nsnet-closed"));
  });

  it("create writes a configuration that add and runtimes use, and rm removes all of it", () => {
    using place = freshPlace();
    const before = [...links(place.host).keys()];
    assert.equal(
      place.must("network", "create", "lab", "--subnet", "10.7.0.0/24", "--subnet", "fd07::/64"),
      `wrote ${folder}/90-lab.conflist\nattach with: ns-net add NAME --network lab\n`,
    );
    assert.deepEqual(files(), ["90-lab.conflist"]);
    const { name, plugins } = JSON.parse(readFileSync(`${folder}/90-lab.conflist`, "utf8"));
    assert.deepEqual([name, plugins[0].type, plugins[0].bridge], ["lab", "ns-net", "lab"]);
    const expected = { name: "lab", bridge: "lab", subnets: ["10.7.0.0/24", "fd07::/64"], source: "configuration" };
    const file = `${folder}/90-lab.conflist`;
    assert.deepEqual(listed(place), [{ ...expected, attachments: 0, file }]);

    const web = place.name();
    assert.match(place.must("add", web, "--network", "lab"), /^10\.7\.0\.2\nfd07::2\n$/);
    assert.deepEqual(listed(place), [{ ...expected, attachments: 1, file }]);
    const shown = JSON.parse(place.must("network", "inspect", "lab", "--json"));
    assert.deepEqual([shown.bridgeState, shown.attached[0].namespace], ["up", `/run/netns/${web}`]);
    assert.match(
      place.must("network", "inspect", "lab"),
      RegExp(`^bridge +lab, up$[^]*^ +${web} +eth0 +10\\.7\\.0\\.2`, "m"),
    );

    const refused = place.cli("network", "rm", "lab");
    assert.equal(refused.code, 1);
    assert.match(refused.err, RegExp(`1 attachment exists: ${web}\n {2}Detach first: ns-net del ${web} --network lab`));
    assert.deepEqual(files(), ["90-lab.conflist"]);

    place.must("del", web);
    assert.match(place.must("network", "rm", "lab"), /removed network lab\n$/);
    assert.deepEqual(files(), []);
    assert.deepEqual([...links(place.host).keys()], before);
    assert.doesNotMatch(place.host.nft("list", "ruleset"), /10\.7\.0|masquerade/);
    assert.deepEqual(listed(place), []);
    // Nothing of it is reserved: another network may have the subnet.
    place.must("network", "create", "again", "--subnet", "10.7.0.0/24");
  });

  it("create refuses what overlaps or exists, and writes nothing", () => {
    using place = freshPlace();
    place.host.ip("link", "add", "far", "type", "bridge");
    place.host.ip("address", "add", "10.9.0.1/24", "dev", "far");
    place.host.ip("link", "set", "far", "up");
    place.host.ip("link", "add", "up0", "type", "veth", "peer", "name", "up1");
    place.host.ip("address", "add", "10.8.0.1/24", "dev", "up0");
    place.host.ip("link", "set", "up0", "up");
    place.host.ip("link", "set", "up1", "up");
    place.must("network", "create", "lab", "--subnet", "10.7.0.0/24");
    writeFileSync(`${folder}/90-kept.conflist`, "{}");
    const kept = files();
    for (const [words, says] of [
      [["lab"], /there is such a network, from .*90-lab\.conflist\n.*network rm lab/],
      [["two", "--subnet", "10.7.0.128/25"], /--subnet = 10\.7\.0\.128\/25: the network lab has 10\.7\.0\.0\/24\n/],
      [["two", "--subnet", "10.9.0.0/16"], /the bridge far has 10\.9\.0\.0\/24\n {2}Choose another subnet/],
      [["two", "--subnet", "10.8.0.0/25"], /the host has a route of 10\.8\.0\.0\/24 to up0\n/],
      [["two", "--bridge", "lab"], /--bridge = lab: the network lab has it\n/],
      [["two", "--bridge", "far"], /--bridge = far: there is a link of that name\n/],
      [["two", "--bridge", "up0"], /--bridge = up0: there is a link of that name\n/],
      [["two", "--subnet", "10.5.0.1/24"], /is an address in a subnet: give 10\.5\.0\.0\/24/],
      [["two", "--subnet", "ten"], /give a subnet as/],
      [["a/b"], /--name = "a\/b"\n/],
      [["kept"], /there is a file of that name/],
    ] as const) {
      const { code, err } = place.cli("network", "create", ...words);
      assert.notEqual(code, 0, words.join(" "));
      assert.match(err, says);
      assert.deepEqual(files(), kept);
    }
  });

  it("create by many at once: one gets the subnet, and no part of the others is left", async () => {
    using place = freshPlace();
    const calls = Array.from({ length: 8 }, (_, i) =>
      Bun.spawn(place.host.inside(place.command("network", "create", `n${i}`, "--subnet", "10.7.0.0/24")), {
        stdout: "ignore",
        stderr: "pipe",
      }),
    );
    const codes = await Promise.all(calls.map((call) => call.exited));
    assert.deepEqual(codes.filter((code) => code === 0).length, 1, codes.join());
    for (const call of calls) {
      const said = await new Response(call.stderr).text();
      assert.match(said, call.exitCode === 0 ? /^$/ : /the network n\d has 10\.7\.0\.0\/24/);
    }
    assert.equal(files().length, 1);
  });

  it("create that is killed leaves a whole file or none, and the next one succeeds", async () => {
    using place = freshPlace();
    for (let round = 0; round < 15; round++) {
      const call = Bun.spawn(place.host.inside(place.command("network", "create", "cut", "--subnet", "10.7.0.0/24")), {
        stdio: ["ignore", "ignore", "ignore"],
      });
      const killing = setTimeout(() => call.kill("SIGKILL"), round * 6);
      await call.exited;
      clearTimeout(killing);
      const written = files().filter((file) => !file.startsWith("."));
      for (const file of written) assert.equal(JSON.parse(readFileSync(`${folder}/${file}`, "utf8")).name, "cut");
      if (written.length === 0) place.must("network", "create", "cut", "--subnet", "10.7.0.0/24");
      place.must("network", "rm", "cut");
    }
  });

  it("ls has networks that only the store or the kernel knows", () => {
    using place = freshPlace();
    place.host.ip("link", "add", "docker0", "type", "bridge");
    place.host.ip("address", "add", "172.17.0.1/16", "dev", "docker0");
    place.host.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1");
    place.host.ip("link", "set", "v0", "master", "docker0");
    const web = place.name();
    place.must(
      "add",
      web,
      "--network",
      place.file("shop.json", JSON.stringify({ name: "shop", type: "ns-net", bridge: "shop0" })),
    );
    const all = listed(place);
    const named = (name: string) => all.find((one: { name: string }) => one.name === name);
    const docker = {
      name: "docker0",
      bridge: "docker0",
      subnets: ["172.17.0.0/16"],
      attachments: 1,
      source: "kernel",
      file: null,
    };
    assert.deepEqual(named("docker0"), docker);
    assert.deepEqual([named("shop").bridge, named("shop").attachments], ["shop0", 1]);
    rmSync(`${place.dataDir}/networks`, { recursive: true });
    rmSync(`${place.folder}/shop.json`);
    const [shop] = listed(place).filter((one: { name: string }) => one.name === "shop");
    assert.deepEqual([shop.source, shop.bridge, shop.attachments, shop.subnets.length], ["store", "shop0", 1, 1]);
  });

  it("rm leaves networks of other programs, and names a near one for a mistake", () => {
    using place = freshPlace();
    place.host.ip("link", "add", "docker0", "type", "bridge");
    const theirs = { cniVersion: "1.0.0", name: "flannel", plugins: [{ type: "bridge", bridge: "fl0" }] };
    writeFileSync(`${folder}/10-flannel.conflist`, JSON.stringify(theirs));
    for (const [name, says] of [
      ["docker0", /it is a bridge that another program made\n/],
      ["flannel", /no plugin of it is of type ns-net\n {2}Remove its file/],
      ["flanel", /There is no network "flanel"\n {2}Did you mean flannel\?/],
    ] as const) {
      const { code, err } = place.cli("network", "rm", name);
      assert.equal(code, 1);
      assert.match(err, says);
    }
    assert.ok(existsSync(`${folder}/10-flannel.conflist`));
    assert.ok(links(place.host).has("docker0"));
  });
});
