/** Install and uninstall: what they write and keep, and that nothing is left half done. */
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pluginTypes } from "../../../conf/pluginType.ts";
import { versions } from "../../../conf/version.ts";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import { run } from "../../support/sandbox.ts";
import { freshPlace, lab, type Place } from "../place.ts";

describe("ns-net install", () => {
  let place: Place;
  let binDir: string;
  let confDir: string;
  let where: string[];

  beforeEach(function () {
    needs(this, "ns-net", "bridge");
    place = freshPlace();
    binDir = join(place.folder, "opt/cni/bin");
    confDir = join(place.folder, "net.d");
    where = ["--bin-dir", binDir, "--conf-dir", confDir];
  });
  afterEach(() => place?.[Symbol.dispose]());

  const uninstall = (...more: string[]) =>
    place.cli("uninstall", "--bin-dir", binDir, "--data-dir", place.dataDir, ...more);

  it("creates the folders, the executable and a configuration", () => {
    const said = place.must("install", ...where, "--subnet", "10.88.0.0/16", "--subnet", "fd88::/64", "--mtu", "1400");
    assert.match(said, /containerd.*\n.*CRI-O.*\n.*Kubernetes.*\n.*podman/);
    assert.equal(statSync(binDir).mode & 0o777, 0o755);
    assert.equal(statSync(join(binDir, "ns-net")).mode & 0o777, 0o755);
    assert.equal(statSync(join(confDir, "10-podnet.conflist")).mode & 0o777, 0o644);
    assert.deepEqual(readdirSync(confDir), ["10-podnet.conflist"]);
    const { plugins } = JSON.parse(readFileSync(join(confDir, "10-podnet.conflist"), "utf8"));
    assert.equal(plugins[0].mtu, 1400);
    assert.deepEqual(plugins[0].ipam.ranges, [[{ subnet: "10.88.0.0/16" }], [{ subnet: "fd88::/64" }]]);
    assert.match(run([join(binDir, "ns-net"), "--version"]), /^ns-net /);
  });

  it("prints the configuration and does nothing", () => {
    const printed = JSON.parse(
      place.must(
        "install",
        ...where,
        "--print",
        "--pod-cidr",
        "10.1.2.0/24,fd01::/64",
        "--range",
        "10.1.2.9-10.1.2.20",
      ),
    );
    assert.deepEqual(printed.plugins[0].ipam.ranges, [
      [{ subnet: "10.1.2.0/24", rangeStart: "10.1.2.9", rangeEnd: "10.1.2.20" }],
      [{ subnet: "fd01::/64" }],
    ]);
    assert.equal(existsSync(binDir), false);
  });

  it("installs twice, also over itself while it runs", () => {
    place.must("install", ...where);
    using running = { child: Bun.spawn([join(binDir, "ns-net"), "ls"]), [Symbol.dispose]() {} };
    const again = Bun.spawnSync([join(binDir, "ns-net"), "install", ...where]);
    assert.equal(again.exitCode, 0, again.stderr.toString());
    assert.match(again.stdout.toString(), /replaced/);
    running.child.kill();
    assert.deepEqual(readdirSync(binDir).sort(), [".ns-net.json", "ns-net"]);
  });

  it("replaces the reference's plugins, and restores them", () => {
    mkdirSync(binDir, { recursive: true });
    for (const name of ["bridge", "host-local", "dhcp"]) writeFileSync(join(binDir, name), `the ${name}`);
    assert.match(place.must("install", ...where, "--drop-in"), /kept host-local, bridge/);
    place.must("install", ...where, "--drop-in");
    assert.equal(readlinkSync(join(binDir, "bridge")), "ns-net");
    assert.equal(readlinkSync(join(binDir, "loopback")), "ns-net");
    for (const name of pluginTypes) {
      const { stdout } = Bun.spawnSync([join(binDir, name)], { env: { CNI_COMMAND: "VERSION" }, stdin: null });
      assert.deepEqual(JSON.parse(stdout.toString()).supportedVersions, versions, name);
    }
    const { code, out, err } = uninstall();
    assert.equal(code, 0, err);
    assert.match(out, /put back host-local, bridge/);
    assert.deepEqual(readdirSync(binDir).sort(), ["bridge", "dhcp", "host-local"]);
    assert.equal(readFileSync(join(binDir, "bridge"), "utf8"), "the bridge");
    assert.equal(lstatSync(join(binDir, "bridge")).isSymbolicLink(), false);
    assert.deepEqual(readdirSync(confDir), []);
  });

  it("says which configurations the replaced plugins took, and ns-net refuses", () => {
    mkdirSync(confDir, { recursive: true });
    const list = (name: string, plugin: object) =>
      writeFileSync(join(confDir, name), JSON.stringify({ cniVersion: "1.0.0", name: "x", plugins: [plugin] }));
    list("10-well.conflist", { type: "bridge", isGateway: true });
    list("20-wrong.conflist", { type: "bridge", isGatway: true });
    const words = ["install", "--no-conf", ...where];
    assert.equal(place.cli(...words).err, "");
    const { code, err } = place.cli(...words, "--drop-in");
    assert.equal(code, 0);
    assert.match(
      err,
      /^ns-net: \S+\/20-wrong\.conflist: from now on each ADD of bridge is refused: Cannot use isGatway = true\n.*isGateway.*\n$/,
    );
  });

  it("leaves the leases of running pods to host-local, which gives none of them again", function () {
    needs(this, "reference plugins");
    mkdirSync(binDir, { recursive: true });
    for (const name of ["bridge", "host-local"]) run(["cp", join(referencePlugins, name), join(binDir, name)]);
    place.must("install", ...where, "--drop-in", "--no-conf");
    const web = place.name();
    const network = place.file("lab.json", JSON.stringify(lab));
    const address = place.must("add", web, "--network", network).split("\n")[0]!;
    const leases = join(place.folder, "leases");
    assert.match(uninstall("--lease-dir", leases).out, /left 2 leases for host-local/);
    assert.equal(readFileSync(join(leases, "lab", address), "utf8"), `${web}\r\neth0`);
    assert.equal(readFileSync(join(leases, "lab/last_reserved_ip.0"), "utf8"), address);
    const ipam = { type: "host-local", dataDir: leases, ranges: [[{ subnet: "10.20.0.0/24" }]] };
    const asked = Bun.spawnSync([join(referencePlugins, "host-local")], {
      env: { CNI_COMMAND: "ADD", CNI_CONTAINERID: "c9", CNI_NETNS: "/x", CNI_IFNAME: "eth0", CNI_PATH: binDir },
      stdin: Buffer.from(JSON.stringify({ cniVersion: "1.0.0", name: "lab", type: "bridge", ipam })),
    });
    const given = JSON.parse(asked.stdout.toString()).ips[0].address;
    assert.notEqual(given, `${address}/24`);
    place.must("del", web);
  });

  it("is not uninstalled while pods have ports that no other plugin would remove", function () {
    needs(this, "reference plugins", "nft nat");
    mkdirSync(binDir, { recursive: true });
    for (const name of ["bridge", "host-local"]) run(["cp", join(referencePlugins, name), join(binDir, name)]);
    place.must("install", ...where, "--drop-in", "--no-conf");
    const web = place.name();
    const runtimeConfig = { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] };
    place.must("add", web, "--network", place.file("ports.json", JSON.stringify({ ...lab, runtimeConfig })));
    const { code, err } = uninstall("--lease-dir", join(place.folder, "leases"));
    assert.equal(code, 1);
    assert.match(err, /eth0 of container \S+ on network lab has published ports, .*\n.*--force/);
    place.must("del", web);
    assert.equal(uninstall("--lease-dir", join(place.folder, "leases")).code, 0);
  });

  it("is not uninstalled while pods need it", () => {
    place.must("install", ...where);
    const web = place.name();
    place.must("add", web, "--network", place.file("lab.json", JSON.stringify(lab)));
    const { code, err } = uninstall();
    assert.equal(code, 1);
    assert.match(err, /Cannot uninstall: eth0 of container \S+ on network lab exists.*\n.*--force/);
    assert.ok(existsSync(join(binDir, "ns-net")));
    place.must("del", web);
    assert.equal(uninstall().code, 0);
    assert.deepEqual(readdirSync(binDir), []);
  });

  it("also removes bridges and rules of networks without attachments, and says so", function () {
    needs(this, "nft nat");
    place.must("install", ...where);
    const [web, db] = [place.name(), place.name()];
    place.must("add", web);
    const runtimeConfig = { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] };
    place.must("add", db, "--network", place.file("ports.json", JSON.stringify({ ...lab, runtimeConfig })));
    for (const name of [web, db]) place.must("del", name);
    const bridges = place.host.ip("link", "show", "type", "bridge").map(({ ifname }) => ifname);
    assert.deepEqual(bridges.sort(), ["lab0", "nsnet-closed", "nsnet0"]);
    const { code, out } = uninstall();
    assert.equal(code, 0);
    assert.match(out, /removed bridge nsnet0 of ns-net\n/);
    assert.match(out, /removed bridge lab0 of lab\n/);
    assert.doesNotMatch(out, /^left /m);
    assert.deepEqual(place.host.ip("link", "show", "type", "bridge"), []);
    assert.equal(place.host.nft("list", "tables"), "");
  });

  it("names the bridge and the table that attachments still use", function () {
    needs(this, "nft nat");
    place.must("install", ...where);
    const web = place.name();
    place.must("add", web);
    const { code, out } = uninstall("--force", "--lease-dir", join(place.folder, "leases"));
    assert.equal(code, 0);
    assert.match(out, /^left bridge nsnet0: .*: ip link del nsnet0$/m);
    assert.match(out, /^left nf_tables table inet ns_net: .*: nft delete table inet ns_net$/m);
    assert.equal(place.host.ip("link", "show", "type", "bridge").length, 1);
    place.must("del", web);
  });

  it("reports that nothing is installed", () => {
    const { code, out } = uninstall();
    assert.equal(code, 0);
    assert.match(out, /^Nothing to uninstall/);
  });

  it("leaves a configuration that a person changed", () => {
    place.must("install", ...where);
    writeFileSync(join(confDir, "10-podnet.conflist"), "{}");
    const again = place.cli("install", ...where);
    assert.equal(again.code, 1);
    assert.match(again.err, /ns-net did not write it so\n {2}Give another --name/);
    assert.match(uninstall().out, /it was changed since/);
    assert.ok(existsSync(join(confDir, "10-podnet.conflist")));
  });

  const refused: [string, string[], RegExp][] = [
    ["a subnet that is none", ["--subnet", "10.88.0.0"], /10\.88\.0\.0/],
    ["an mtu that is no number", ["--mtu", "big"], /mtu = "big"/],
    ["a range without its subnet", ["--range", "10.1.0.1-10.1.0.2"], /Cannot use --range/],
    ["a network name that leads elsewhere", ["--name", "../x"], /name/],
  ];
  for (const [what, words, expected] of refused) {
    it(`refuses ${what}, and writes nothing`, () => {
      const { code, err } = place.cli("install", ...where, ...words);
      assert.equal(code, 1);
      assert.match(err, expected);
      assert.deepEqual(readdirSync(place.folder), []);
    });
  }

  it("removes the folders it created if a later one cannot be created", () => {
    place.file("net.d", "a file, not a folder");
    const { code, err } = place.cli("install", ...where.slice(0, 2), "--conf-dir", join(confDir, "below"));
    assert.equal(code, 1);
    assert.match(err, /Cannot make the folder .*net\.d\/below: a part of the path is not a folder\n {2}Run it as root/);
    assert.deepEqual(readdirSync(place.folder), ["net.d"]);
  });

  it("says that a folder is read-only", () => {
    mkdirSync(binDir, { recursive: true });
    chmodSync(binDir, 0o755);
    run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", binDir]);
    try {
      const { code, err } = place.cli("install", ...where);
      assert.equal(code, 1);
      assert.match(err, /Cannot write .*ns-net: the file system is read-only/);
      assert.equal(existsSync(confDir), false);
    } finally {
      run(["umount", binDir]);
    }
  });

  it("is the executable that it copies", () => {
    place.must("install", ...where, "--no-conf");
    assert.equal(statSync(join(binDir, "ns-net")).size, statSync(nsNet).size);
    assert.equal(existsSync(confDir), false);
  });
});
