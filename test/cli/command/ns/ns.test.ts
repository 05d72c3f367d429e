/** `ns-net ns ls|same|who`. The witnesses are `ip`, readlink(1) and stat(1). */
import assert from "node:assert/strict";
import { needs } from "../../../support/needs.ts";
import { nsNet } from "../../../support/plugin.ts";
import { cable, freshNetns, links, type Netns, run } from "../../../support/sandbox.ts";
import { ourLinks } from "../../../support/world.ts";
import { freshPlace, namedNetns } from "../../place.ts";

interface Listed {
  readonly inode: number;
  readonly names: readonly string[];
  readonly processes: readonly { readonly pid: number; readonly command: string }[];
  readonly held: string;
  readonly links: readonly {
    readonly name: string;
    readonly mac: string;
    readonly addresses: readonly string[];
    readonly peer: { readonly inode: number; readonly name: string } | null;
  }[];
}

const inodeOf = (path: string) => Number(run(["stat", "-L", "-c", "%i", path]));

/** A program that says one line and waits until its input ends. */
async function waiting(command: readonly string[]) {
  const child = Bun.spawn([...command], { stdin: "pipe", stdout: "pipe" });
  const said = Buffer.from((await child.stdout.getReader().read()).value!).toString();
  const end = async () => {
    child.stdin.end();
    await child.exited;
  };
  return { pid: child.pid, said: said.trim(), end };
}

describe("ns-net ns", function () {
  this.timeout(60_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  const listed = (place: ReturnType<typeof freshPlace>): Listed[] => JSON.parse(place.must("ns", "ls", "--json"));
  const find = (all: readonly Listed[], ns: Netns) => all.find(({ inode }) => inode === inodeOf(ns.path))!;

  it("ls has each namespace with its links, addresses and the other end of each veth", () => {
    using place = freshPlace();
    const [web, db] = [place.name("web"), place.name("db")];
    for (const name of [web, db]) place.must("add", name);
    // A pair between two containers, one within a container, and indexes that occur twice.
    using other = freshNetns("other");
    cable({ ns: namedNetns(web), ifname: "side0" }, { ns: other, ifname: "side1", cidrs: ["fd01::1/64"] });
    other.ip("link", "add", "in0", "type", "veth", "peer", "name", "in1");
    const all = listed(place);
    for (const ns of [place.host, namedNetns(web), namedNetns(db), other]) {
      const one = find(all, ns);
      assert.deepEqual(one.names, [ns.name]);
      assert.equal(one.held, "name");
      const witness = links(ns);
      assert.deepEqual(one.links.map(({ name }) => name).sort(), [...witness.keys()].sort());
      for (const { name, mac, addresses } of one.links) {
        const { address, addr_info } = witness.get(name);
        assert.equal(mac, address);
        const shown = addr_info.map(
          ({ local, prefixlen }: { local: string; prefixlen: number }) => `${local}/${prefixlen}`,
        );
        assert.deepEqual([...addresses].sort(), shown.sort());
      }
    }
    const peer = (ns: Netns, name: string) => find(all, ns).links.find((link) => link.name === name)!.peer;
    assert.deepEqual(peer(namedNetns(web), "side0"), { inode: inodeOf(other.path), name: "side1" });
    assert.deepEqual(peer(other, "side1"), { inode: inodeOf(`/run/netns/${web}`), name: "side0" });
    assert.deepEqual(peer(other, "in0"), { inode: inodeOf(other.path), name: "in1" });
    for (const name of [web, db]) {
      const eth0 = peer(namedNetns(name), "eth0")!;
      assert.equal(eth0.inode, inodeOf(place.host.path));
      assert.deepEqual(peer(place.host, eth0.name), { inode: inodeOf(`/run/netns/${name}`), name: "eth0" });
      // The witness: ip prints the index of the other end.
      assert.equal(links(place.host).get(eth0.name).ifindex, links(namedNetns(name)).get("eth0").link_index);
    }
    assert.equal(peer(namedNetns(web), "lo"), null);
  });

  it("ls says what keeps a namespace: a name, a process, an open file, a mount", async () => {
    using place = freshPlace();
    using named = freshNetns("named");
    const inside = await waiting(["unshare", "--net", "sh", "-c", "readlink /proc/self/ns/net; read _"]);
    const file = await waiting([
      "sh",
      "-c",
      "exec 9<&0; unshare --net sh -c 'exec 8</proc/self/ns/net; exec nsenter --net=/proc/'$$'/ns/net sh -c \"readlink /proc/self/fd/8; read _\" <&9'",
    ]);
    const mount = `${place.folder}/elsewhere`;
    run(["sh", "-c", `: > ${mount}; unshare --net mount --bind /proc/self/ns/net ${mount}`]);
    try {
      const all = listed(place);
      const held = (inode: number) => all.find((one) => one.inode === inode);
      const digits = (text: string) => Number(/\d+/.exec(text)![0]);
      assert.equal(find(all, named).held, "name");
      const one = held(digits(inside.said))!;
      assert.deepEqual([one.held, one.processes], ["process", [{ pid: inside.pid, command: "sh" }]]);
      assert.equal(held(digits(file.said))?.held, "fd");
      const mounted = held(inodeOf(mount))!;
      assert.deepEqual([mounted.held, mounted.names, mounted.processes], ["mount", [mount], []]);
      assert.deepEqual(mounted.links.map(({ name }) => name).slice(0, 1), ["lo"]);
    } finally {
      run(["umount", mount]);
      await inside.end();
      await file.end();
    }
  });

  it("ls prints a table whose first column can be pasted", async () => {
    using place = freshPlace();
    const name = place.name("web");
    const address = place.must("add", name).trim();
    const child = await waiting(namedNetns(name).inside(["sh", "-c", "echo; read _"]));
    const outer = ourLinks(place.host)[0]!;
    const table = place.must("ns", "ls");
    assert.match(table, RegExp(`^${name} +\\d+ +${child.pid} sh +eth0 +${address}/\\d+ +${outer}$`, "m"));
    assert.match(table, RegExp(`^host .*|.* ${outer} .* eth0 of ${name}$`, "m"));
    place.must("exec", name, "--", "true");
    await child.end();
  });

  it("who finds a namespace by its name, inode, address, process and the host's veth", async () => {
    using place = freshPlace();
    const name = place.name("web");
    const address = place.must("add", name).trim();
    const child = await waiting(namedNetns(name).inside(["sh", "-c", "echo; read _"]));
    const inode = inodeOf(`/run/netns/${name}`);
    const outer = ourLinks(place.host)[0]!;
    for (const [words, foundBy] of [
      [name, "name"],
      [`/run/netns/${name}`, "name"],
      [String(inode), "inode"],
      [`net:[${inode}]`, "inode"],
      [address, "address"],
      [outer, "other end"],
      [`pid:${child.pid}`, "process"],
    ] as const) {
      const found = JSON.parse(place.must("ns", "who", words, "--json"));
      // Another host of this machine may have the same address.
      const own = found.filter((one: Listed) => words !== address || one.inode === inode);
      assert.deepEqual(
        own.map((one: Listed & { foundBy: string }) => [one.inode, one.foundBy]),
        [[inode, foundBy]],
        words,
      );
    }
    const said = place.must("ns", "who", outer);
    for (const words of [
      `net:[${inode}]`,
      `its eth0 is the other end of ${outer}`,
      `${child.pid} sh`,
      `ns-net inspect ${name}`,
    ])
      assert.ok(said.includes(words), said);
    await child.end();
  });

  it("who lists every namespace with an address that two have, and refuses what is nowhere", () => {
    using place = freshPlace();
    using one = freshNetns("one");
    using two = freshNetns("two");
    cable({ ns: one, ifname: "a0", cidrs: ["192.0.2.7/24"] }, { ns: two, ifname: "a1", cidrs: ["192.0.2.7/24"] });
    const found: Listed[] = JSON.parse(place.must("ns", "who", "192.0.2.7", "--json"));
    assert.deepEqual(found.map(({ names }) => names[0]).sort(), [one.name, two.name].sort());
    const { code, err } = place.cli("ns", "who", "no-such-thing");
    assert.equal(code, 1);
    assert.match(err, /^ns-net: No namespace, link, address or container here is no-such-thing\n/);
    assert.match(place.cli("ns", "who", one.name.slice(0, -1)).err, RegExp(`Did you mean ${one.name}\\?`));
  });

  it("ls answers while namespaces come and go", async () => {
    using place = freshPlace();
    const name = place.name("churn");
    const script = `while :; do ip netns add ${name}; ip link add ch0 type veth peer name eth0 netns ${name}; ip netns del ${name}; unshare --net true; done`;
    const churn = Bun.spawn(place.host.inside(["sh", "-c", script]), { stdio: ["ignore", "ignore", "ignore"] });
    for (let i = 0; i < 12; i++) {
      const own = find(listed(place), place.host);
      assert.ok(own.links.some((link) => link.name === "lo"));
      place.must("ns", "ls");
    }
    churn.kill();
    await churn.exited;
  });

  it("ls and who say what an ordinary user may not see", () => {
    using place = freshPlace();
    const name = place.name("web");
    const address = place.must("add", name).trim();
    const program = place.file("ns-net", "");
    run(["cp", nsNet, program]);
    run(["chmod", "755", place.folder, program]);
    const asUser = (...words: string[]) => {
      const user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
      const said = Bun.spawnSync(place.host.inside([...user, program, ...words]), { stdin: null });
      return { code: said.exitCode, out: said.stdout.toString(), err: said.stderr.toString() };
    };
    const ls = asUser("ns", "ls");
    assert.equal(ls.code, 0, ls.err);
    assert.match(ls.out, RegExp(`^${name} `, "m"));
    assert.match(
      ls.err,
      /^ns-net: the links of \d+ namespaces? are missing, because entering a namespace needs root\n$/,
    );
    assert.equal(asUser("ns", "who", name).code, 0);
    const who = asUser("ns", "who", address);
    assert.deepEqual([who.code, who.err], [1, `ns-net ns who needs root: sudo ns-net ns who ${address}\n`]);
  });

  it("same compares the eight kinds", async () => {
    using place = freshPlace();
    const child = await waiting(["unshare", "--net", "--uts", "sh", "-c", "echo; read _"]);
    const own = String(process.pid);
    const shared = JSON.parse(place.must("ns", "same", own, String(child.pid), "--json"));
    const kinds = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];
    const link = (pid: string | number, kind: string) => run(["readlink", `/proc/${pid}/ns/${kind}`]);
    assert.deepEqual(Object.keys(shared), kinds);
    for (const kind of kinds) assert.equal(shared[kind], link(own, kind) === link(child.pid, kind), kind);
    assert.deepEqual([shared.net, shared.uts, shared.mnt], [false, false, true]);
    assert.match(place.must("ns", "same", own, `pid:${child.pid}`), /^net +different +\d+ +\d+$/m);
    await child.end();
    const { code, err } = place.cli("ns", "same", own, String(child.pid));
    assert.deepEqual([code, err.split("\n")[0]], [1, `ns-net: There is no process ${child.pid}`]);
  });

  it("is a group: its help lists the commands, and another word is refused", () => {
    using place = freshPlace();
    for (const words of [["ns"], ["ns", "--help"], ["help", "ns"]]) assert.match(place.must(...words), /^ {2}ns who /m);
    assert.match(place.must("help", "ns", "same"), /^Usage: ns-net ns same <pid> <pid>/m);
    const { code, err } = place.cli("ns", "list");
    assert.deepEqual([code, err], [2, 'ns-net: there is no command "ns list"; see: ns-net ns --help\n']);
  });
});
