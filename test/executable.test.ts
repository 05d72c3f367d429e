/** The executable alone: in any folder, called from any folder, and what it must not do. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newestVersion, versions } from "../conf/version.ts";
import { needs } from "./support/needs.ts";
import { nsNet } from "./support/plugin.ts";
import { links } from "./support/sandbox.ts";
import { dualStack, freshWorld } from "./support/world.ts";

function freshFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "ns-net-executable-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The calls that strace saw, without threads: `execve(…)`, and every way to create a process. */
const processCalls = ["execve", "execveat", "fork", "vfork", "clone", "clone3"];

describe("The executable", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat");
  });

  it("works when copied alone to another folder, from any folder, with CNI's environment alone", () => {
    using world = freshWorld();
    using folder = freshFolder();
    const plugin = join(folder.path, "another-name");
    copyFileSync(nsNet, plugin);
    const netns = world.netns();
    for (const cwd of ["/", folder.path, "/proc"]) {
      world.must("ADD", world.network({ ipMasq: true }), { netns, plugin, cwd });
      world.must("DEL", world.network(), { netns, plugin, cwd });
    }
  });

  it("loads no .env, bunfig.toml, package.json or tsconfig.json of the folder it is called from", () => {
    using world = freshWorld();
    using folder = freshFolder();
    const proof = join(folder.path, "preloaded");
    const files: Record<string, string> = {
      ".env": "CNI_IFNAME=fromfile\nNSNET_DEBUG=netlink,stack\nCNI_NETNS_OVERRIDE=1\n",
      ".env.local": "NSNET_DEBUG=netlink\n",
      ".env.production": "NSNET_DEBUG=netlink\n",
      "bunfig.toml": 'preload = ["./preload.ts"]\n[run]\npreload = ["./preload.ts"]\n',
      "preload.ts": `require("node:fs").writeFileSync(${JSON.stringify(proof)}, "ran"); console.log("ran");\n`,
      "package.json": '{ "imports": { "#x": "./preload.ts" }, "type": "commonjs" }\n',
      "tsconfig.json": '{ "compilerOptions": { "paths": { "*": ["./preload.ts"] } } }\n',
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder.path, name), content);
    const netns = world.netns();
    const { code, stdout, stderr } = world.call("ADD", world.network(), { netns, cwd: folder.path });
    assert.deepEqual([code, stderr], [0, ""], stdout);
    assert.ok(links(netns).has("eth0"));
    assert.equal(Bun.spawnSync(["test", "-e", proof]).exitCode, 1, "the preload ran");
  });

  for (const verb of ["ADD", "DEL"] as const) {
    it(`starts no process on ${verb}`, function () {
      needs(this, "strace");
      using world = freshWorld();
      using folder = freshFolder();
      const netns = world.netns();
      const config = world.network({ ipMasq: true, ipam: dualStack });
      if (verb === "DEL") world.must("ADD", config, { netns });
      const trace = join(folder.path, "trace");
      const command = ["strace", "-f", "-qq", "-o", trace, "-e", `trace=${processCalls.join(",")}`, nsNet];
      const { exitCode, stdout } = Bun.spawnSync(world.host.inside(command), {
        env: {
          PATH: process.env.PATH!,
          CNI_COMMAND: verb,
          CNI_CONTAINERID: "c1",
          CNI_NETNS: netns.path,
          CNI_IFNAME: "eth0",
          CNI_PATH: "/usr/lib/cni",
        },
        stdin: Buffer.from(JSON.stringify(config)),
      });
      assert.equal(exitCode, 0, stdout.toString());
      const calls = Bun.spawnSync(["cat", trace]).stdout.toString().trim().split("\n");
      const started = calls.filter((line) => !/CLONE_THREAD|\+\+\+ exited/.test(line) && !/resumed>/.test(line));
      // The first is the executable itself, started by strace.
      assert.equal(started.length, 1, started.join("\n"));
      assert.match(started[0]!, /execve\(".*ns-net"/);
    });
  }

  it("without command and arguments prints what it is to stderr", () => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([nsNet], { env: {}, stdin: null });
    assert.deepEqual([exitCode, stdout.toString()], [0, ""]);
    assert.match(stderr.toString(), /^CNI plugin ns-net v\d+\.\d+\.\d+\n/);
    for (const version of versions) assert.ok(stderr.toString().includes(version), version);
  });

  it("answers VERSION without reading standard input, which stays open", async () => {
    const child = Bun.spawn([nsNet], { env: { CNI_COMMAND: "VERSION" }, stdio: ["pipe", "pipe", "pipe"] });
    const answer = JSON.parse(await child.stdout.text());
    assert.equal(await child.exited, 0);
    child.stdin.end();
    assert.deepEqual(answer, { cniVersion: newestVersion, supportedVersions: [...versions] });
  });

  it("answers VERSION with any other environment, with stdin closed and from a deleted folder", () => {
    const env = {
      CNI_COMMAND: "VERSION",
      CNI_NETNS: "dummy",
      CNI_IFNAME: "a/b",
      CNI_CONTAINERID: "",
      CNI_PATH: "dummy",
    };
    const { exitCode, stdout } = Bun.spawnSync([nsNet], { env, stdin: null, cwd: "/" });
    assert.deepEqual([exitCode, JSON.parse(stdout.toString()).cniVersion], [0, newestVersion]);
  });

  it("writes nothing to stderr on success", () => {
    using world = freshWorld();
    const netns = world.netns();
    for (const verb of ["ADD", "DEL"] as const) assert.equal(world.call(verb, world.network(), { netns }).stderr, "");
  });

  it("prints its netlink messages, named and in hex, with NSNET_DEBUG", () => {
    using world = freshWorld();
    const environment = { NSNET_DEBUG: "netlink" };
    const { code, stderr, json } = world.call("ADD", world.network({ ipMasq: true }), {
      netns: world.netns(),
      environment,
    });
    assert.equal(code, 0);
    assert.equal(json.ips.length, 1);
    for (const name of ["RTM_NEWLINK", "RTM_NEWADDR", "RTM_NEWROUTE", "NFT_MSG_NEWRULE"]) {
      assert.ok(stderr.includes(name), name);
    }
    assert.match(stderr, /^ {4}[0-9a-f]{8}( [0-9a-f]{1,8})*$/m);
  });
});
