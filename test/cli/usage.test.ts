/** Help, versions, and usage errors. */
import assert from "node:assert/strict";
import { commands as everyCommand } from "../../cli/index.ts";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { links } from "../support/sandbox.ts";
import { freshPlace } from "./place.ts";

const commands = ["add", "del", "ls", "inspect", "check", "exec", "gc", "repair", "install", "uninstall"];

describe("ns-net usage:", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  for (const name of commands) {
    it(`${name} --help describes it, and exits with 0`, () => {
      using place = freshPlace();
      const { code, out, err } = place.cli(name, "--help");
      assert.deepEqual([code, err], [0, ""]);
      assert.match(out, new RegExp(`Usage: ns-net ${name} `));
      assert.equal(place.cli("help", name).out, out);
    });

    it(`${name} --help has no empty line too many, and describes -i as that command uses it`, () => {
      using place = freshPlace();
      const { out } = place.cli(name, "--help");
      assert.doesNotMatch(out, /\n\n\n| $/m);
      const about = /--ifname NAME +(.*)/.exec(out)?.[1];
      if (name === "add") assert.match(about!, /default eth0/);
      else if (about) assert.match(about, /default: all/);
    });
  }

  it("suggests the command and the option that a mistyped word may mean", () => {
    using place = freshPlace();
    for (const [words, meant] of [
      [["inpsect", "web"], "ns-net inspect"],
      [["ns", "lss"], "ns-net ns ls"],
      [["add", "web", "--publsh", "8080:80"], "--publish"],
    ] as const) {
      const { code, err } = place.cli(...words);
      assert.equal(code, 2);
      assert.match(err, new RegExp(`did you mean ${meant}\\?`));
    }
  });

  it("help fits 80 columns, but for examples", () => {
    using place = freshPlace();
    const every = ["", ...Object.keys(everyCommand)];
    for (const name of every) {
      const out = place.must("help", ...name.split(" ").filter(Boolean));
      const tooLong = out.split("\n").filter((line) => line.length > 80 && !line.startsWith("  ns-net"));
      assert.deepEqual(tooLong, [], name);
    }
  });

  it("--help lists every command", () => {
    using place = freshPlace();
    const { code, out } = place.cli("--help");
    assert.equal(code, 0);
    for (const name of commands) assert.match(out, new RegExp(`^ {2}${name} `, "m"));
  });

  for (const line of ["--help", "help add", "add --help", "--version", "ls", "man", "completion bash"]) {
    it(`"${line} >/dev/full" is a sentence and exit code 1`, () => {
      using place = freshPlace();
      const said = Bun.spawnSync(place.host.inside(["sh", "-c", `exec "$0" ${line} >/dev/full`, nsNet]));
      assert.equal(said.exitCode, 1);
      assert.match(said.stderr.toString(), /^ns-net: Cannot write standard output: the disk is full\n {2}.*\n$/);
    });
  }

  for (const [words, first, cure] of [
    [["-i", "eth 0"], 'Cannot use --ifname = "eth 0"', "--ifname must be"],
    [["--ip", "banana"], 'Cannot use --ip = "banana"', "--ip must be an address"],
    [["--mac", "01:02:03:04:05:06"], 'Cannot use --mac = "01:02:03:04:05:06"', "--mac must be a unicast address"],
  ] as const) {
    it(`add ${words.join(" ")} is refused in words of the command line`, () => {
      using place = freshPlace();
      const { code, err } = place.cli("add", place.name(), ...words);
      assert.equal(code, 1);
      assert.ok(err.startsWith(`ns-net: ${first}\n  ${cure}`), err);
      assert.doesNotMatch(err, /CNI/);
    });
  }

  it("a path that is no namespace, and an existing attachment, are reported in the words of the command line", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    for (const spec of ["/etc/passwd", "/no/where", name]) assert.doesNotMatch(place.cli("add", spec).err, /CNI|ADD/);
    assert.match(place.cli("add", name).err, /Delete the attachment first \(ns-net del\), or ask for another --ifname/);
  });

  it("man --help has no cut lines", () => {
    using place = freshPlace();
    assert.match(place.cli("man", "--help").out, /^Usage: ns-net man$/m);
  });

  it("--version prints the version", () => {
    using place = freshPlace();
    assert.match(place.cli("--version").out, /^ns-net \d+\.\d+\.\d+\n$/);
  });

  for (const words of [
    ["frobnicate"],
    ["add"],
    ["add", "a", "b"],
    ["add", "a", "--frobnicate"],
    ["add", "a", "--ip"],
    ["ls", "a"],
    ["exec"],
    ["exec", "a", "--frobnicate", "ls"],
    ["shell"],
    ["shell", "a", "ls"],
    ["add", "a", "--ip", ""],
    ["add", "a", "--ip", "10.1.0.2", "--ip="],
    ["add", "a", "--mac="],
    ["add", "a", "-i", ""],
    ["del", "a", "-n", ""],
    ["ls", "--data-dir", ""],
    ["help", "frobnicate"],
  ]) {
    it(`"${words.join(" ")}" is a usage error: exit code 2, and a hint`, () => {
      using place = freshPlace();
      const { code, out, err } = place.cli(...words);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(err, /usage:|see: ns-net/);
    });
  }

  for (const spec of ["a b", "../x", "-", "x".repeat(101)]) {
    it(`${JSON.stringify(spec.slice(0, 20))} is no namespace`, () => {
      using place = freshPlace();
      for (const command of ["add", "del"]) assert.notEqual(place.cli(command, spec).code, 0);
      assert.deepEqual([...links(place.host).keys()], ["lo"]);
    });
  }
});
