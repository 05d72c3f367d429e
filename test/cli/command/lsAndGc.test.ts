/** The commands that show attachments, and clean up. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { links } from "../../support/sandbox.ts";
import { ourLinks } from "../../support/world.ts";
import { freshPlace, lab, namedNetns } from "../place.ts";

describe("ns-net ls, check, gc", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  it("ls shows namespace, network and addresses, and --wide the interface, MAC and host end", () => {
    using place = freshPlace();
    assert.equal(place.must("ls"), "Nothing is attached.\n");
    const name = place.name();
    const address = place.must("add", name).trim();
    const [head, row] = place.must("ls").split("\n");
    assert.match(head!, /^NAMESPACE .*ADDRESSES.*AGE/);
    const [outer] = ourLinks(place.host);
    const mac = links(namedNetns(name)).get("eth0").address;
    for (const word of [name, address, "ns-net", "attached"]) assert.ok(row!.includes(word), `${word} in ${row}`);
    const [, wide] = place.must("ls", "--wide").split("\n");
    for (const word of ["eth0", mac, outer!]) assert.ok(wide!.includes(word), `${word} in ${wide}`);
    const [json] = JSON.parse(place.must("ls", "--json"));
    assert.deepEqual([json.interface, json.hostVeth, json.state], ["eth0", outer, "attached"]);
  });

  it("ls and inspect show the names that the runtime gave the container", () => {
    using place = freshPlace();
    const name = place.name();
    const runtimeConfig = { aliases: ["web", "www"] };
    const network = { cniVersion: "1.1.0", name: "podnet", type: "ns-net", bridge: "br0", runtimeConfig };
    place.must("add", name, "--network", place.file("podnet.json", JSON.stringify(network)));
    assert.deepEqual(JSON.parse(place.must("ls", "--json"))[0].aliases, ["web", "www"]);
    assert.deepEqual(JSON.parse(place.must("inspect", name, "--json")).attachments[0].aliases, ["web", "www"]);
  });

  it("ls marks a namespace as gone, and gc removes its attachment", () => {
    using place = freshPlace();
    const [gone, stays] = [place.name(), place.name()];
    for (const name of [gone, stays]) place.must("add", name);
    Bun.spawnSync(["ip", "netns", "del", gone]);
    const states = () =>
      JSON.parse(place.must("ls", "--json")).map(({ container, state }: Record<string, string>) => [container, state]);
    assert.deepEqual(states(), [
      [gone, "gone"],
      [stays, "attached"],
    ]);
    assert.match(place.must("gc", "--dry-run"), new RegExp(`would remove .*${gone}`));
    assert.equal(states().length, 2);
    assert.match(place.must("gc"), new RegExp(`removed .*${gone}`));
    assert.deepEqual(states(), [[stays, "attached"]]);
  });

  it("gc calls the IPAM plugin of what it removes, with the configuration of its network", () => {
    using place = freshPlace();
    const log = join(place.folder, "log");
    const script = `#!/bin/sh
echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME $(cat)" >>${log}
[ "$CNI_COMMAND" = ADD ] && echo '{"cniVersion":"1.0.0","ips":[{"address":"10.41.0.2/24"}]}' || true
`;
    writeFileSync(join(place.folder, "foreign"), script, { mode: 0o755 });
    const ipam = { type: "foreign", own: "key" };
    const network = { cniVersion: "1.0.0", name: "other", type: "ns-net", bridge: "other0", ipam };
    const name = place.name();
    const called = (...words: string[]) =>
      place.host.run("env", `CNI_PATH=${place.folder}`, ...place.command(...words)).toString();
    called("add", name, "--network", place.file("other.json", JSON.stringify(network)));
    Bun.spawnSync(["ip", "netns", "del", name]);
    assert.match(called("gc"), new RegExp(`removed the attachment eth0 of ${name} on other`));
    const last = readFileSync(log, "utf8").trim().split("\n").at(-1)!;
    assert.match(last, new RegExp(`^DEL ${name} eth0 .*"own":"key"`));
    assert.equal(place.must("ls"), "Nothing is attached.\n");
  });

  it("a namespace with the same name and inode is another one if the interface is gone", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    // The kernel would give the inode again sooner or later. Deleting either end deletes the veth.
    place.host.ip("link", "del", ourLinks(place.host)[0]!);
    assert.equal(JSON.parse(place.must("ls", "--json"))[0].state, "gone");
    assert.match(place.must("gc"), new RegExp(`removed .*${name}`));
    place.must("add", name);
    assert.equal(JSON.parse(place.must("ls", "--json"))[0].state, "attached");
  });

  it("gc and ls keep an attachment whose name and processes they cannot see", async () => {
    using place = freshPlace();
    const [name, network] = [place.name(), place.file("n.json", JSON.stringify({ name: "lab", type: "ns-net" }))];
    place.must("add", name, "--network", network);
    // Now only a descriptor of a process in another PID namespace holds it.
    const held = `/run/netns/${name}`;
    const holder = Bun.spawn(
      place.host.inside([
        "unshare",
        "--pid",
        "--fork",
        "--mount-proc",
        "sh",
        "-c",
        `exec 9<${held}; echo held; read _`,
      ]),
      { stdin: "pipe", stdout: "pipe" },
    );
    await holder.stdout.getReader().read();
    Bun.spawnSync(["ip", "netns", "del", name]);
    const [row] = JSON.parse(place.must("ls", "--json"));
    assert.equal(row.state, "attached");
    assert.equal(place.must("gc"), "Nothing to remove.\n");
    assert.equal(ourLinks(place.host).length, 1);
    holder.stdin.end();
    await holder.exited;
    assert.match(place.must("gc"), new RegExp(`removed .*${name}`));
    assert.deepEqual([...links(place.host).keys()], ["lo"]);
  });

  it("gc and ls find a namespace under another name, also without a link on the host", function () {
    needs(this, "macvlan");
    using place = freshPlace();
    const [name, other] = [place.name(), place.name()];
    place.host.ip("link", "add", "up0", "type", "veth", "peer", "name", "far0");
    const macvlan = {
      name: "lan",
      type: "macvlan",
      master: "up0",
      ipam: { type: "host-local", subnet: "10.20.0.0/24" },
    };
    place.must("add", name, "--network", place.file("lan.json", JSON.stringify(macvlan)));
    Bun.spawnSync(["ip", "netns", "add", other]);
    Bun.spawnSync(["umount", `/run/netns/${other}`]);
    Bun.spawnSync(["mount", "--bind", `/run/netns/${name}`, `/run/netns/${other}`]);
    Bun.spawnSync(["ip", "netns", "del", name]);
    const state = () => JSON.parse(place.must("ls", "--json"))[0]?.state;
    assert.equal(state(), "attached");
    assert.equal(place.must("gc"), "Nothing to remove.\n");
    Bun.spawnSync(["ip", "netns", "del", other]);
    assert.equal(state(), "gone");
    assert.match(place.must("gc"), RegExp(`removed the attachment eth0 of ${name} on lan`));
  });

  it("gc keeps attachments added meanwhile, with their ports, and add succeeds while gc removes the idle bridge", async () => {
    for (let round = 0; round < 2; round++) {
      using place = freshPlace();
      const run = (words: string[]) =>
        Bun.spawn(place.host.inside(place.command(...words)), { stdout: "pipe", stderr: "pipe" });
      const attachments = Array.from({ length: 8 }, (_, i) => {
        const runtimeConfig = { portMappings: [{ hostPort: 8000 + i, containerPort: 80, protocol: "tcp" }] };
        const network = { name: "lab", type: "ns-net", bridge: "lab0", ipMasq: true, runtimeConfig };
        return [place.name(), "--network", place.file(`${i}.json`, JSON.stringify(network))];
      });
      const adding = attachments.map((words) => run(["add", ...words]));
      const collecting = attachments.map(() => run(["gc"]));
      for (const one of [...adding, ...collecting]) {
        const said = await new Response(one.stderr).text();
        assert.equal(await one.exited, 0, said);
      }
      for (const words of attachments) place.must("check", ...words);
      const ports = place.host.nft("list", "ruleset").match(/tcp \. 80\d\d/g) ?? [];
      assert.equal(new Set(ports).size, attachments.length);
      const masters = ourLinks(place.host).map((name) => links(place.host).get(name).master);
      assert.deepEqual([masters.length, new Set(masters)], [attachments.length, new Set(["lab0"])]);
    }
  });

  it("gc removes bridge and rules of every network without attachments", () => {
    using place = freshPlace();
    const name = place.name();
    const network = place.file("n.json", JSON.stringify({ name: "lab", type: "ns-net", bridge: "lab0", ipMasq: true }));
    for (const more of [[], ["--network", network]]) {
      place.must("add", name, ...more);
      place.must("del", name, ...more);
    }
    assert.ok(links(place.host).has("lab0"));
    assert.notEqual(place.host.nft("list", "ruleset"), "");
    place.must("gc");
    assert.deepEqual([place.host.nft("list", "ruleset"), [...links(place.host).keys()]], ["", ["lo"]]);
  });

  it("if the store is lost and links exist, ls, check and del report it with the cure", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    rmSync(place.dataDir, { recursive: true });
    const told = RegExp(`There is no store in ${place.dataDir}, but a link of ns-net exists.*ns-net repair --data-dir`);
    const ls = place.cli("ls");
    assert.deepEqual([ls.code, ls.out], [0, "Nothing is attached.\n"]);
    for (const { err } of [ls, place.cli("check", name), place.cli("inspect", name), place.cli("del", name)])
      assert.match(err, told);
    place.must("repair", "--data-dir", place.dataDir);
    assert.match(place.must("check", name), /as add made it/);
    place.must("del", name);
    rmSync(place.dataDir, { recursive: true });
    assert.equal(place.cli("ls").err, "");
  });

  it("if another store has what is attached, ls, check and status name it", () => {
    using place = freshPlace();
    const elsewhere = join(place.folder, "elsewhere");
    const name = place.name();
    place.must("add", name, "--data-dir", elsewhere);
    const [link] = ourLinks(place.host);
    assert.match(JSON.stringify(place.host.ip("link", "show", "dev", link!)), RegExp(elsewhere));
    for (const { out, err } of [place.cli("ls"), place.cli("check"), place.cli("status")]) {
      assert.match(out, /Nothing is attached\.\n$/);
      assert.equal(err, `ns-net: a link of ns-net is in the store ${elsewhere}: ns-net ls --data-dir ${elsewhere}\n`);
    }
    assert.doesNotMatch(place.must("ls", "--data-dir", elsewhere), /Nothing/);
    place.must("del", name, "--data-dir", elsewhere);
    assert.equal(place.cli("ls").err, "");
  });

  it("check reports each difference once", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    place.host.ip("link", "del", ourLinks(place.host)[0]!);
    const lines = place.cli("check", name).out.split("\n");
    assert.ok(lines.length > 2);
    assert.equal(new Set(lines).size, lines.length);
  });

  it("check succeeds after add, and fails after a change", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    assert.match(place.must("check", name), /as add made it/);
    namedNetns(name).ip("link", "set", "eth0", "mtu", "1400");
    const { code, out } = place.cli("check", name);
    assert.equal(code, 1);
    assert.match(out, /mtu.*expected 1500.*found 1400/);
  });

  it("every command finds attachments of a network whose leases are in another folder", () => {
    using place = freshPlace();
    const name = place.name();
    const network = place.file("far.json", JSON.stringify({ ...lab, dataDir: join(place.folder, "far") }));
    const far = (command: string, ...words: string[]) => {
      const line = place.host.inside([nsNet, command, ...words, "--network", network]);
      const { exitCode, stdout, stderr } = Bun.spawnSync(line);
      assert.equal(exitCode, 0, stderr.toString());
      return stdout.toString();
    };
    far("add", name);
    assert.match(far("ls"), new RegExp(`^${name} .* attached$`, "m"));
    assert.match(far("check", name), /as add made it/);
    assert.match(far("inspect", name), /10\.20\.0\.2/);
    assert.match(far("gc"), /Nothing to remove/);
    far("del", name);
    assert.match(far("ls"), /Nothing is attached/);
  });

  it("check reports what is missing of chained plugins", () => {
    using place = freshPlace();
    const name = place.name();
    Bun.spawnSync(["ip", "netns", "add", name]);
    const env = { CNI_CONTAINERID: name, CNI_NETNS: `/run/netns/${name}`, CNI_IFNAME: "eth0", CNI_PATH: "/none" };
    const base = { ...lab, cniVersion: "1.0.0", dataDir: place.dataDir };
    const call = (command: string, type: string, more: object) => {
      const plugin = join(place.folder, type);
      if (!existsSync(plugin)) symlinkSync(nsNet, plugin);
      const stdin = Buffer.from(JSON.stringify({ ...base, type, ...more }));
      const { exitCode, stdout } = Bun.spawnSync(place.host.inside([plugin]), {
        env: { ...env, CNI_COMMAND: command },
        stdin,
      });
      assert.equal(exitCode, 0, stdout.toString());
      return stdout.length > 0 ? JSON.parse(stdout.toString()) : undefined;
    };
    const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
    const prevResult = call("ADD", "bridge", {});
    call("ADD", "portmap", { prevResult, runtimeConfig: { portMappings } });
    assert.match(place.must("check", name), /as add made it/);
    place.host.nft("delete table inet ns_net");
    const { code, out } = place.cli("check", name);
    assert.equal(code, 1);
    assert.match(out, /ports-ready-\d+ .*is missing/);
    for (const type of ["portmap", "bridge"]) call("DEL", type, {});
  });
});
