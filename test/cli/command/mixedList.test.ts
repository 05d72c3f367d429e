/**
 * A list with the reference's bridge and our host-local and portmap: another plugin made the interface, with an address from
 * ns-net. For check, repair and doctor. Witnesses: ip, ping, SQLite.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addList, type NetworkList, type Runtime } from "../../support/libcni.ts";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import type { Netns } from "../../support/sandbox.ts";
import { freshPlace, namedNetns, needsOwnEtc, type Place } from "../place.ts";

const netd = "/etc/cni/net.d";

describe("A list of another bridge with our host-local", function () {
  this.timeout(60_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "reference plugins");
    needsOwnEtc(this);
  });

  const listOf = ({ dataDir }: Place, isTheirs = false): NetworkList => ({
    ...{ cniVersion: "1.0.0", name: "mixed" },
    plugins: [
      {
        ...{ type: "bridge", bridge: "br0", isGateway: true, ipMasq: isTheirs, dataDir },
        ipam: { type: "host-local", subnet: "10.7.0.0/24", routes: [{ dst: "0.0.0.0/0" }] },
      },
      { type: "portmap", capabilities: { portMappings: true }, dataDir },
    ],
  });

  /** `isTheirs`: portmap is the reference's, too. */
  async function attached(place: Place, isTheirs = false): Promise<Netns> {
    const folder = join(place.folder, "bin");
    mkdirSync(folder);
    for (const name of ["host-local", "portmap"]) symlinkSync(nsNet, join(folder, name));
    const runtime: Runtime = {
      host: place.host,
      pluginOf: (type) => join(type === "bridge" || isTheirs ? referencePlugins : folder, type),
      pluginPath: folder,
      cacheDir: join(folder, "cache"),
    };
    const name = place.name();
    place.host.run("ip", "netns", "add", name);
    const netns = namedNetns(name);
    const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
    await addList(runtime, listOf(place, isTheirs), { container: "c1", netns, capabilityArgs: { portMappings } });
    return netns;
  }

  it("gc removes the rules of their plugins with the address, which another container gets", async () => {
    using place = freshPlace();
    const netns = await attached(place, true);
    const rules = () => place.host.run("iptables-save");
    assert.match(rules(), /10\.7\.0\.2/);
    assert.match(rules(), /8080/);
    place.must("gc");
    assert.match(rules(), /8080/, "it lives");
    place.host.run("ip", "netns", "del", netns.name);
    assert.match(place.must("gc"), /removed the attachment eth0 of c1 on mixed/);
    assert.doesNotMatch(rules(), /10\.7\.0\.2|8080/);
  });

  it("check misses the rules of their plugins, by what the runtime keeps", async () => {
    using place = freshPlace();
    const netns = await attached(place, true);
    assert.match(
      place.must("check", netns.name),
      /has its addresses; another plugin made the rest, which is not compared\n$/,
    );
    mkdirSync("/var/lib/cni/results", { recursive: true });
    const kept = "/var/lib/cni/results/mixed-c1-eth0";
    copyFileSync(join(place.folder, "bin/cache/results/mixed-c1-eth0"), kept);
    assert.match(place.must("check", netns.name), /has its addresses, and its rules; another plugin made the rest,/);
    place.host.nft("flush", "ruleset");
    const { code, out } = place.cli("check");
    assert.equal(code, 1);
    assert.match(out, /chain CNI-DN-\w+ \(published ports\) +is missing\n.*cure: Restart container c1/s);
    assert.match(out, /chain CNI-\w+ \(masquerade\) +is missing/);
    rmSync(kept);
  });

  interface Check {
    readonly id: string;
    readonly status: string;
    readonly says: string;
    readonly cure: string;
  }

  const examined = (place: Place, id: string): Check[] =>
    JSON.parse(place.cli("doctor", "--json").out).checks.filter((one: Check) => one.id === id);

  it("check compares its addresses and its chained plugins, and says so; repair repairs what is ours", async () => {
    using place = freshPlace();
    const netns = await attached(place);
    const { code: all, out: said } = place.cli("check");
    assert.equal(all, 0);
    assert.match(said, /^1 attachment compared: nothing differs; of 1 that another plugin made, routes are not/);
    assert.match(place.must("check", netns.name), /has its addresses; another plugin made the rest/);
    assert.deepEqual(
      examined(place, "drift").map(({ status }) => status),
      ["ok"],
    );
    place.host.nft("flush", "table", "inet", "ns_net");
    assert.match(place.cli("check").out, /rule ports-in .*is missing\n.*To repair: ns-net repair/s);
    place.must("repair", "--data-dir", place.dataDir);
    place.must("check");
    assert.match(place.host.nft("list", "ruleset"), /8080/);
    netns.ip("address", "del", "10.7.0.2/24", "dev", "eth0");
    const { code, out } = place.cli("check");
    assert.equal(code, 1);
    assert.match(out, /address 10\.7\.0\.2 of eth0 in the container +is missing\n +cure: Restart container c1: /);
    assert.doesNotMatch(out, /ns-net repair/);
    assert.deepEqual(
      examined(place, "drift").map(({ cure }) => cure.split(":")[0]),
      ["Restart container c1"],
    );
  });

  it("ls and inspect show the host end that the other plugin made, and our ports", async () => {
    using place = freshPlace();
    const netns = await attached(place);
    const [port] = place.host.ip("link", "show", "master", "br0");
    const [row] = JSON.parse(place.must("ls", "--json"));
    assert.deepEqual([row.hostVeth, row.ports], [port.ifname, ["8080:80"]]);
    assert.equal(row.mac, netns.ip("link", "show", "eth0")[0].address);
    assert.match(
      place.must("inspect", netns.name, "--data-dir", place.dataDir),
      RegExp(`host end +${port.ifname} \\(index ${port.ifindex}\\), port of br0`),
    );
  });

  it("its port in the bridge is no fault, whether its file is there or not", async () => {
    using place = freshPlace();
    await attached(place);
    const ports = () => place.host.ip("link", "show", "master", "br0").length;
    assert.equal(ports(), 1);
    for (const isThere of [false, true]) {
      rmSync(netd, { recursive: true, force: true });
      mkdirSync(netd, { recursive: true });
      if (isThere) writeFileSync(join(netd, "10-mixed.conflist"), JSON.stringify(listOf(place)));
      assert.deepEqual(
        examined(place, "bridges").map(({ status }) => status),
        ["ok"],
      );
    }
    rmSync(netd, { recursive: true, force: true });
  });
});
