/** Install with the agent: the launcher in front of the executable, and the service. `systemctl` is played by a script. */
import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pluginTypes } from "../../../conf/pluginType.ts";
import { versions } from "../../../conf/version.ts";
import { compileLauncher } from "../../../scripts/build/launcher.mjs";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { run } from "../../support/sandbox.ts";
import { spawnInside } from "../../support/spawn.ts";
import { freshPlace, lab, type Place } from "../place.ts";

const version = run([nsNet, "--version"]).trim().split(" ")[1]!;
const booted = "/run/systemd/system";

describe("ns-net install --agent", function () {
  this.timeout(60_000);
  let place: Place;
  let binDir: string;
  let unitDir: string;
  let unit: string;
  let where: string[];
  const path = process.env.PATH;

  beforeEach(function () {
    needs(this, "ns-net", "ns-net-launcher", "bridge");
    place = freshPlace();
    binDir = join(place.folder, "bin");
    unitDir = join(place.folder, "units");
    unit = join(unitDir, "ns-net-agent.service");
    where = ["--bin-dir", binDir, "--conf-dir", join(place.folder, "net.d")];
  });
  afterEach(() => {
    process.env.PATH = path;
    rmSync("/run/systemd", { recursive: true, force: true });
    place?.[Symbol.dispose]();
  });

  /** From now on systemd seems to run. Answers what `systemctl` was asked for since the last question. */
  function systemd(fails = "nothing"): () => string[] {
    mkdirSync(booted, { recursive: true });
    const asked = join(place.folder, "asked");
    const folder = join(place.folder, "programs");
    mkdirSync(folder, { recursive: true });
    const script = `#!/bin/sh\necho "$*" >>${asked}\ncase "$1" in ${fails}) echo "Unit is masked." >&2; exit 1;; esac\n`;
    writeFileSync(join(folder, "systemctl"), script, { mode: 0o755 });
    process.env.PATH = `${folder}:${path}`;
    return () => {
      const words = existsSync(asked) ? readFileSync(asked, "utf8").trim().split("\n") : [];
      rmSync(asked, { force: true });
      return words;
    };
  }

  const install = (...words: string[]) => place.cli("install", ...where, "--no-conf", "--unit-dir", unitDir, ...words);
  const done = (...words: string[]) => {
    const answer = install(...words);
    assert.equal(answer.code, 0, answer.err);
    return answer.out;
  };
  const uninstall = () => place.cli("uninstall", "--bin-dir", binDir, "--data-dir", place.dataDir);
  const files = () => readdirSync(binDir).sort();
  const isLauncher = (name = "ns-net") => statSync(join(binDir, name)).size < 8e6;

  /** ADD and DEL by the installed plugin. */
  function attaches(): void {
    const name = place.name("pod");
    run(["ip", "netns", "add", name]);
    for (const verb of ["ADD", "DEL"]) {
      const env = {
        ...{ CNI_COMMAND: verb, CNI_CONTAINERID: "c", CNI_NETNS: `/run/netns/${name}`, CNI_IFNAME: "eth0" },
        ...{ CNI_PATH: binDir, PATH: path ?? "", NSNET_AGENT: join(place.folder, "none.sock") },
      };
      const stdin = Buffer.from(JSON.stringify({ ...lab, dataDir: place.dataDir }));
      const { exitCode, stdout } = spawnInside(place.host.path, [join(binDir, "ns-net")], { env, stdin });
      assert.equal(exitCode, 0, stdout.toString());
      assert.equal(verb === "DEL" || JSON.parse(stdout.toString()).ips.length === 2, true);
    }
  }

  it("lays the launcher as ns-net and the executable beside it, and both work", () => {
    const said = done("--agent");
    assert.match(said, /wrote .*ns-net-full\nwrote .*ns-net, the launcher\n/);
    assert.match(said, /let what starts the services .*: .*bin\/ns-net-full agent$/m, "there is no systemd");
    assert.deepEqual(files(), [".ns-net.json", "ns-net", "ns-net-full"]);
    for (const [name, from] of [
      ["ns-net", `${nsNet}-launcher`],
      ["ns-net-full", nsNet],
    ] as const) {
      assert.ok(readFileSync(join(binDir, name)).equals(readFileSync(from)), name);
      assert.equal(statSync(join(binDir, name)).mode & 0o777, 0o755);
    }
    assert.equal(existsSync(unitDir), false);
    assert.equal(run([join(binDir, "ns-net"), "--version"]), `ns-net ${version}\n`);
    attaches();
  });

  it("answers under all names of the reference", () => {
    done("--agent", "--drop-in");
    for (const name of pluginTypes) {
      const { stdout } = Bun.spawnSync([join(binDir, name)], { env: { CNI_COMMAND: "VERSION" }, stdin: null });
      assert.deepEqual(JSON.parse(stdout.toString()).supportedVersions, versions, name);
    }
  });

  it("installs again from its own place", () => {
    done("--agent");
    const { exitCode, stderr } = Bun.spawnSync([join(binDir, "ns-net"), "install", ...where, "--no-conf"]);
    assert.equal(exitCode, 0, stderr.toString());
    assert.deepEqual(files(), [".ns-net.json", "ns-net", "ns-net-full"]);
    assert.ok(isLauncher());
    attaches();
  });

  it("writes the unit and starts the agent where systemd runs; the next install restarts it", () => {
    const asked = systemd();
    assert.match(done("--agent"), /wrote .*units\/ns-net-agent\.service\nstarted the agent\n/);
    const started = ["daemon-reload", "enable ns-net-agent.service", "restart ns-net-agent.service"];
    assert.deepEqual(asked(), started);
    assert.match(readFileSync(unit, "utf8"), new RegExp(`^ExecStart="${binDir}/ns-net-full" agent `, "m"));
    done();
    assert.deepEqual(asked(), started);
    assert.ok(isLauncher());
  });

  it("goes back with --no-agent: the executable alone, no service", () => {
    const asked = systemd();
    done("--agent");
    asked();
    assert.match(done("--no-agent"), /ended the agent, and removed .*\nremoved .*ns-net-full\n/);
    assert.deepEqual(asked(), ["disable --now ns-net-agent.service", "daemon-reload"]);
    assert.deepEqual(files(), [".ns-net.json", "ns-net"]);
    assert.ok(!isLauncher() && !existsSync(unit));
    attaches();
    done();
    assert.ok(!isLauncher(), "and stays so");
    assert.deepEqual(asked(), []);
  });

  it("is undone by uninstall", () => {
    const asked = systemd();
    done("--agent", "--drop-in");
    asked();
    const { code, out, err } = uninstall();
    assert.equal(code, 0, err);
    assert.match(
      out,
      /ended the agent, and removed .*ns-net-agent\.service\nremoved .*bin\/ns-net\nremoved .*ns-net-full\n/,
    );
    assert.deepEqual(asked(), ["disable --now ns-net-agent.service", "daemon-reload"]);
    assert.deepEqual([readdirSync(binDir), readdirSync(unitDir)], [[], []]);
  });

  it("neither overwrites nor removes a unit that a person wrote, and ends no agent that it did not start", () => {
    const asked = systemd();
    mkdirSync(unitDir);
    writeFileSync(unit, "[Service]\nExecStart=/usr/local/bin/ns-net agent\n");
    assert.match(done("--agent"), /left .*ns-net-agent\.service: ns-net did not write it so/);
    assert.deepEqual(asked(), []);
    assert.equal(uninstall().code, 0);
    assert.deepEqual(asked(), []);
    assert.match(readFileSync(unit, "utf8"), /usr\/local/);
  });

  it("says that an agent goes on which a person started, who it is, and how to end it", async () => {
    done("--agent");
    const full = join(binDir, "ns-net-full");
    const program = existsSync(full) ? full : nsNet;
    const agent = Bun.spawn(place.host.inside([program, "agent", "--cold", "--data-dir", place.dataDir]), {
      stdout: "ignore",
      stderr: "ignore",
    });
    try {
      while (!existsSync("/run/ns-net/status.sock")) await Bun.sleep(20);
      const said = RegExp(
        `^left the agent running that something else started: process ${agent.pid} \\(${program} agent .*\\), version ${version}, since .*\n.* or end it: kill ${agent.pid}$`,
        "m",
      );
      assert.match(done("--agent"), said);
      assert.match(done("--no-agent"), said);
      assert.match(done(), said);
      const { code, out } = uninstall();
      assert.equal(code, 0);
      assert.match(out, said);
    } finally {
      run(["kill", String(agent.pid)]);
      await agent.exited;
    }
    assert.doesNotMatch(done("--no-agent"), /agent running/);
  });

  it("leaves a unit alone that was changed since, with its agent", () => {
    const asked = systemd();
    done("--agent");
    writeFileSync(unit, `${readFileSync(unit, "utf8")}# changed\n`);
    asked();
    assert.match(uninstall().out, /left .*ns-net-agent\.service, and its agent: it was changed since/);
    assert.deepEqual(asked(), []);
    assert.ok(existsSync(unit));
  });

  it("that cannot start the agent says so; what it installed works", () => {
    systemd("restart");
    const { code, err } = install("--agent");
    assert.equal(code, 1);
    assert.match(err, /Cannot run systemctl restart ns-net-agent\.service: Unit is masked\.\n.*journalctl/);
    assert.ok(isLauncher());
    attaches();
  });

  it("without a launcher is refused, and leaves an agent that is installed", () => {
    const alone = join(place.folder, "alone");
    mkdirSync(alone);
    linkSync(nsNet, join(alone, "ns-net"));
    const asked = systemd();
    const refused = (...words: string[]) => {
      const said = Bun.spawnSync([join(alone, "ns-net"), "install", ...where, "--no-conf", ...words]);
      assert.equal(said.exitCode, 1);
      assert.match(
        said.stderr.toString(),
        /^ns-net: Cannot install the agent: no ns-net-launcher lies beside .*\n.*--no-agent/,
      );
    };
    refused("--agent");
    assert.deepEqual([existsSync(binDir), asked()], [false, []]);
    done("--agent");
    const installed = files();
    refused();
    assert.deepEqual([files(), isLauncher()], [installed, true]);
    attaches();
  });

  it("does not install a launcher of another version", async () => {
    const build = join(place.folder, "build");
    mkdirSync(build);
    linkSync(nsNet, join(build, "ns-net"));
    await compileLauncher(process.arch as "x64", "0.0.9", join(build, "ns-net-launcher"));
    const said = Bun.spawnSync([join(build, "ns-net"), "install", ...where, "--no-conf", "--agent"]);
    assert.equal(said.exitCode, 1);
    assert.match(
      said.stderr.toString(),
      new RegExp(`ns-net-launcher is of version 0\\.0\\.9, and this is ${version}\n`),
    );
    assert.ok(!existsSync(binDir));
  });

  it("that fails midway leaves launcher, executable and unit as they were", () => {
    systemd();
    done("--agent");
    for (const name of ["ns-net", "ns-net-full"]) {
      rmSync(join(binDir, name));
      copyFileSync("/bin/true", join(binDir, name));
    }
    const before = [files(), readFileSync(unit, "utf8")];
    // The unit is changed with the folder of the executables; the file system of units is full.
    run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", unitDir]);
    try {
      const { code, err } = install("--agent");
      assert.equal(code, 1);
      assert.match(err, /Cannot write .*ns-net-agent\.service: the file system is read-only/);
    } finally {
      run(["umount", unitDir]);
    }
    assert.deepEqual([files(), readFileSync(unit, "utf8")], before);
    for (const name of ["ns-net", "ns-net-full"])
      assert.ok(readFileSync(join(binDir, name)).equals(readFileSync("/bin/true")), name);
  });

  it("refuses --agent with --no-agent", () => {
    const { code, err } = install("--agent", "--no-agent");
    assert.equal(code, 2);
    assert.match(err, /--agent and --no-agent exclude each other/);
  });
});
