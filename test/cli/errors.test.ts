/**
 * Refusals by the kernel, the file system or a limit, as a person reads them: a sentence with a cure, and never called
 * a bug.
 */
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { run } from "../support/sandbox.ts";
import { freshPlace, type Place } from "./place.ts";

const network = (place: Place, more: object) =>
  place.file("n.json", JSON.stringify({ cniVersion: "1.0.0", name: "n", type: "ns-net", bridge: "br0", ...more }));

/** `add` must fail with these words. */
function refused(place: Place, says: RegExp, cure: RegExp, ...words: string[]): void {
  const { code, out, err } = place.cli("add", place.name(), ...words);
  assert.deepEqual([code, out], [1, ""], err);
  const [sentence = "", more = ""] = err.split("\n");
  assert.match(sentence, says);
  assert.match(more, cure);
  assert.doesNotMatch(err, /bug|Internal/);
}

describe("ns-net add says", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
  });

  it("which plugins create no interface", () => {
    using place = freshPlace();
    for (const type of ["portmap", "firewall", "loopback"]) {
      const says = new RegExp(`type ${type}: it makes no interface`);
      refused(place, says, /such as bridge/, "--network", network(place, { type }));
    }
  });

  it("why a second macvlan with the same address does not come up", function () {
    needs(this, "macvlan");
    using place = freshPlace();
    place.host.ip("link", "add", "up0", "type", "veth", "peer", "name", "far0");
    place.host.ip("link", "set", "up0", "up");
    const ipam = { type: "static", addresses: [{ address: "10.5.0.5/24" }] };
    const file = network(place, { type: "macvlan", master: "up0", ipam });
    place.must("add", place.name(), "--network", file);
    const says = /another interface on the same device has its hardware address/;
    refused(place, says, /another IP address, or set mac/, "--network", file);
  });

  it("that an address is outside of the range, and the range", () => {
    using place = freshPlace();
    const ranges = [[{ subnet: "10.5.0.0/24", rangeStart: "10.5.0.10", rangeEnd: "10.5.0.20" }]];
    const file = network(place, { ipam: { type: "host-local", ranges } });
    refused(place, /10\.5\.0\.99/, /10\.5\.0\.10-10\.5\.0\.20/, "--network", file, "--ip", "10.5.0.99");
  });

  it("which container has a device, and how to get it back from a dead one", () => {
    using place = freshPlace();
    place.host.ip("link", "add", "dev0", "type", "veth", "peer", "name", "far0");
    const file = network(place, { type: "host-device", device: "dev0", ipam: {} });
    const holder = place.name();
    place.must("add", holder, "--network", file);
    refused(
      place,
      new RegExp(`eth0 of container ${holder} .* has it`),
      /its container is gone: ns-net gc/,
      "--network",
      file,
    );
  });

  it("that it may open no more files", () => {
    using place = freshPlace();
    for (const limit of [12, 14, 16]) {
      const words = place.command("add", place.name());
      const line = place.host.inside(["sh", "-c", `ulimit -n ${limit}; exec "$@"`, "sh", ...words]);
      const { exitCode, stderr } = Bun.spawnSync(line, { stdin: null, cwd: place.folder });
      if (exitCode === 0) continue;
      assert.match(stderr.toString(), /this process may not open more files.*\n {2}Raise .*ulimit -n/);
    }
  });

  it("how to repair an nf_tables table that another program changed, and that works", () => {
    const foreign = [
      "add chain inet ns_net ports { type filter hook input priority 0; }",
      "add set inet ns_net ports4 { type ipv4_addr; }",
      "add table inet ns_net { flags dormant; }",
    ];
    for (const change of foreign) {
      using place = freshPlace();
      place.host.nft(`add table inet ns_net; ${change}`);
      const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
      const file = network(place, {
        ...{ isGateway: true, ipMasq: true, ipam: { type: "host-local", subnet: "10.5.0.0/24" } },
        ...{ capabilities: { portMappings: true }, runtimeConfig: { portMappings } },
      });
      refused(place, /not as ns-net made it/, /nft delete table inet ns_net/, "--network", file);
      place.host.nft("delete table inet ns_net");
      place.must("add", place.name(), "--network", file);
    }
  });

  it("nothing about a folder behind root's own symbolic links, and refuses one behind another user's", () => {
    using place = freshPlace();
    const real = join(place.folder, "real");
    mkdirSync(real);
    symlinkSync(real, join(place.folder, "link"));
    const name = place.name();
    const dataDir = join(place.folder, "link/store");
    const add = (...words: string[]) =>
      Bun.spawnSync(place.host.inside([nsNet, "add", ...words]), { stdin: null, cwd: place.folder });
    const first = add(name, "--data-dir", dataDir);
    assert.equal(first.exitCode, 0, first.stderr.toString());
    assert.match(run(["ls", join(real, "store")]), /ns-net\.sqlite/);
    const second = add(place.name(), "--data-dir", dataDir);
    assert.equal(second.exitCode, 0, second.stderr.toString());
    run(["chown", "-h", "65534", join(place.folder, "link")]);
    const third = add(place.name(), "--data-dir", dataDir);
    assert.equal(third.exitCode, 1);
    assert.match(third.stderr.toString(), /symbolic link/);
  });
});

describe("ns-net install says", () => {
  it("which option it cannot use", () => {
    const words = [
      [["--subnet", "banana"], /--subnet/],
      [["--pod-cidr", "banana"], /--pod-cidr/],
      [["--mtu", "3"], /--mtu/],
      [["--bridge", "a/b"], /--bridge/],
      [["--subnet", "10.1.0.0/24", "--range", "10.2.0.1-10.2.0.9"], /--range/],
    ] as const;
    for (const [given, option] of words) {
      const { exitCode, stderr } = Bun.spawnSync([nsNet, "install", "--print", ...given], { stdin: null });
      assert.equal(exitCode, 1, stderr.toString());
      assert.match(stderr.toString(), option);
      assert.doesNotMatch(stderr.toString(), /ipam/);
    }
  });
});

describe("A plugin that cannot be loaded", () => {
  it("answers with an error that a runtime can read", function () {
    needs(this, "ns-net", "bridge");
    const environment = { CNI_COMMAND: "ADD", CNI_CONTAINERID: "c", CNI_IFNAME: "eth0", CNI_NETNS: "/run/netns/x" };
    const limited = ["sh", "-c", 'ulimit -v 1000000; exec "$@"', "sh", nsNet];
    const { exitCode, stdout } = Bun.spawnSync(limited, { env: environment, stdin: Buffer.from("{}") });
    assert.notEqual(exitCode, 0);
    const { cniVersion, code, msg, details } = JSON.parse(stdout.toString());
    assert.deepEqual([typeof cniVersion, code], ["string", 5]);
    assert.match(msg, /could not be loaded/);
    assert.match(details, /memory/);
  });
});
