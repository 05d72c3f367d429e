/**
 * Settles by `--live` what `explain` leaves unsure: by an answer, by the trace of rules, or by the kernel's drop reason. The
 * witness of each case is a ping or a connection of another program.
 */
import assert from "node:assert/strict";
import { freshPlace, namedNetns, type Place } from "../../cli/place.ts";
import { type Need, needs } from "../../support/needs.ts";
import { cable, freshNetns, type Netns } from "../../support/sandbox.ts";
import { tcpServer } from "../../support/tcp.ts";

interface Case {
  readonly name: string;
  readonly needs?: readonly Need[];
  /** Shell lines in the namespaces of the sender, the host and the receiver. */
  readonly plant: Partial<Record<"web" | "host" | "db", string>>;
  readonly undo: Partial<Record<"web" | "host" | "db", string>>;
  /** Absent: the receiver's own address. */
  readonly to?: string;
  readonly protocol?: "tcp" | "udp";
  /** The answer without --live; `unsure` if absent. */
  readonly before?: "unsure" | "blocked" | "reachable";
  /** Absent: reachable. */
  readonly code?: string;
  readonly where?: "web" | "host" | "db";
  readonly says?: RegExp;
}

const legacy = (words: string) => `iptables-legacy -w -A ${words}`;
const noLegacy = "iptables-legacy -w -F";
const quota = (family: string, hook: string, match: string) =>
  `nft 'add table ${family} f; add chain ${family} f c { type filter hook ${hook} priority 0; }; add rule ${family} f c ${match} quota over 0 bytes drop'`;

const cases: readonly Case[] = [
  {
    name: "iptables-legacy drops at the receiver",
    needs: ["iptables-legacy"],
    plant: { db: legacy("INPUT -p icmp -j DROP") },
    undo: { db: noLegacy },
    ...{ code: "dropped-inside", where: "db", says: /iptables-legacy .*table filter.*NETFILTER_DROP/ },
  },
  {
    name: "iptables-legacy drops at the sender",
    needs: ["iptables-legacy"],
    plant: { web: legacy("OUTPUT -p tcp -j DROP") },
    undo: { web: noLegacy },
    protocol: "tcp",
    ...{ code: "dropped-by-rule", where: "web", says: /dropped the probe: .*iptables-legacy/ },
  },
  {
    name: "iptables-legacy drops the answer to a connection",
    needs: ["iptables-legacy"],
    plant: { db: legacy("OUTPUT -p tcp -j DROP") },
    undo: { db: noLegacy },
    protocol: "tcp",
    ...{ code: "dropped-inside", where: "db", says: /dropped the answer: .*iptables-legacy/ },
  },
  {
    name: "iptables-legacy drops the answer where it comes back",
    needs: ["iptables-legacy"],
    plant: { web: legacy("INPUT -p icmp -j DROP") },
    undo: { web: noLegacy },
    ...{ code: "dropped-by-rule", where: "web", says: /dropped the answer after it was seen at eth0/ },
  },
  {
    name: "iptables-legacy lets it pass",
    needs: ["iptables-legacy"],
    plant: { db: legacy("INPUT -p icmp -j ACCEPT") },
    undo: { db: noLegacy },
  },
  {
    name: "iptables-legacy lets a connection pass",
    needs: ["iptables-legacy"],
    plant: { db: legacy("INPUT -p tcp -j ACCEPT") },
    undo: { db: noLegacy },
    protocol: "tcp",
  },
  {
    name: "iptables-legacy drops a datagram",
    needs: ["iptables-legacy"],
    plant: { db: legacy("INPUT -p udp -j DROP") },
    undo: { db: noLegacy },
    protocol: "udp",
    // Nothing listens there, either.
    before: "blocked",
    ...{ code: "dropped-inside", where: "db", says: /NETFILTER_DROP/ },
  },
  {
    name: "a rule of a bridge's table drops",
    needs: ["nft bridge"],
    plant: { host: quota("bridge", "forward", "ip protocol icmp") },
    undo: { host: "nft delete table bridge f" },
    ...{ code: "dropped-by-rule", where: "host", says: /^table bridge f, chain c, handle \d+:/ },
  },
  {
    name: "a rule of a link's table drops",
    plant: { db: quota("netdev", "ingress device eth0", "ip protocol icmp") },
    undo: { db: "nft delete table netdev f" },
    ...{ code: "dropped-inside", where: "db", says: /at the link: table netdev f, chain c .*NETFILTER_DROP/ },
  },
  {
    name: "a match by a BPF program",
    needs: ["iptables bpf"],
    plant: { db: "iptables-nft -w -A INPUT -m bpf --bytecode '4,48 0 0 9,21 0 1 1,6 0 0 65535,6 0 0 0' -j DROP" },
    undo: { db: "nft delete table ip filter" },
    ...{ code: "dropped-inside", where: "db", says: /^table ip filter, chain INPUT, handle \d+:/ },
  },
  {
    name: "a rule hands it to a program that is not there",
    needs: ["nft queue"],
    plant: {
      db: "nft 'add table inet f; add chain inet f c { type filter hook input priority 0; }; add rule inet f c ip protocol icmp queue num 5'",
    },
    undo: { db: "nft delete table inet f" },
    ...{ code: "dropped-inside", where: "db" },
  },
  {
    name: "VLANs of the bridge keep them apart",
    needs: ["vlan filtering"],
    plant: {
      host: "ip link set br7 type bridge vlan_filtering 1 && bridge vlan del vid 1 dev $(bridge -j link | grep -o 'nsv[0-9a-f]*' | tail -1)",
    },
    undo: {
      host: "bridge vlan add vid 1 pvid untagged dev $(bridge -j link | grep -o 'nsv[0-9a-f]*' | tail -1) && ip link set br7 type bridge vlan_filtering 0",
    },
    ...{ code: "dropped-by-kernel", where: "host" },
  },
  {
    name: "VLANs of the bridge let it pass",
    needs: ["vlan filtering"],
    plant: { host: "ip link set br7 type bridge vlan_filtering 1" },
    undo: { host: "ip link set br7 type bridge vlan_filtering 0" },
  },
  {
    name: "a macvlan leads to it",
    needs: ["macvlan"],
    plant: {
      web: "ip link add mac0 link eth0 type macvlan mode bridge && ip address add 10.9.0.1/24 dev mac0 && ip link set mac0 up",
      db: "ip address add 10.9.0.2/24 dev eth0",
    },
    undo: { web: "ip link del mac0", db: "ip address del 10.9.0.2/24 dev eth0" },
    to: "10.9.0.2",
  },
  {
    name: "behind a macvlan it is dropped",
    needs: ["macvlan"],
    plant: {
      web: "ip link add mac0 link eth0 type macvlan mode bridge && ip address add 10.9.0.1/24 dev mac0 && ip link set mac0 up",
      db: `ip address add 10.9.0.2/24 dev eth0 && ${quota("inet", "input", "ip protocol icmp")}`,
    },
    undo: { web: "ip link del mac0", db: "ip address del 10.9.0.2/24 dev eth0; nft delete table inet f" },
    to: "10.9.0.2",
    ...{ code: "dropped-inside", where: "db" },
  },
  {
    name: "an ipvlan leads to it",
    needs: ["ipvlan"],
    plant: {
      web: "ip link add ipv0 link eth0 type ipvlan mode l2 && ip address add 10.9.0.1/24 dev ipv0 && ip link set ipv0 up",
      db: "ip address add 10.9.0.2/24 dev eth0",
    },
    undo: { web: "ip link del ipv0", db: "ip address del 10.9.0.2/24 dev eth0" },
    to: "10.9.0.2",
  },
  {
    name: "a VXLAN leads to it",
    needs: ["vxlan"],
    plant: {
      web: "ip link add vx0 type vxlan id 7 remote 10.7.0.3 dev eth0 dstport 4789 && ip address add 10.9.0.1/24 dev vx0 && ip link set vx0 up",
      db: "ip link add vx0 type vxlan id 7 remote 10.7.0.2 dev eth0 dstport 4789 && ip address add 10.9.0.2/24 dev vx0 && ip link set vx0 up",
    },
    undo: { web: "ip link del vx0", db: "ip link del vx0" },
    to: "10.9.0.2",
    before: "reachable",
  },
  {
    name: "the other end of a VXLAN has another number",
    needs: ["vxlan"],
    plant: {
      web: "ip link add vx0 type vxlan id 7 remote 10.7.0.3 dev eth0 dstport 4789 && ip address add 10.9.0.1/24 dev vx0 && ip link set vx0 up && ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:09 dev vx0",
      db: "ip link add vx0 type vxlan id 8 remote 10.7.0.2 dev eth0 dstport 4789 && ip address add 10.9.0.2/24 dev vx0 && ip link set vx0 up",
    },
    undo: { web: "ip link del vx0", db: "ip link del vx0" },
    to: "10.9.0.2",
    before: "blocked",
    ...{ code: "dropped-by-kernel", where: "db", says: /no VXLAN with its number .*VXLAN_VNI_NOT_FOUND/ },
  },
];

describe("what explain leaves unsure, --live settles", function () {
  this.timeout(60_000);
  let place: Place;
  let outside: Netns;
  let server: Disposable;
  let names: Readonly<Record<"web" | "db", string>>;
  const port = 8080;
  before(async function () {
    needs(this, "ns-net", "bridge", "nft nat", "ping", "tracefs");
    place = freshPlace();
    names = { web: place.name("web"), db: place.name("db") };
    for (const name of [names.web, names.db]) place.must("add", name, "--subnet", "10.7.0.0/24", "--bridge", "br7");
    place.host.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0");
    outside = freshNetns("outside");
    cable(
      { ns: place.host, ifname: "up0", cidrs: ["192.0.2.1/24"] },
      { ns: outside, ifname: "eth0", cidrs: ["192.0.2.2/24"] },
    );
    place.host.run("ip", "route", "add", "default", "via", "192.0.2.2");
    server = await tcpServer(namedNetns(names.db), "0.0.0.0", port);
  });
  after(() => {
    server?.[Symbol.dispose]();
    outside?.[Symbol.dispose]();
    place?.[Symbol.dispose]();
  });

  const at = (where: "web" | "host" | "db") => (where === "host" ? place.host : namedNetns(names[where]));
  const placeName = (where: "web" | "host" | "db") => (where === "host" ? "host" : `namespace ${names[where]}`);
  const shell = (lines: Case["plant"]) => {
    for (const where of ["web", "host", "db"] as const) if (lines[where]) at(where).run("sh", "-ec", lines[where]);
  };
  const ask = (to: string, ...options: string[]) => {
    const { out, err } = place.cli("explain", names.web, to, "--json", ...options);
    assert.notEqual(out, "", err);
    return JSON.parse(out);
  };
  const flows = (to: string, protocol: Case["protocol"], seconds: number) => {
    const command =
      protocol === "tcp"
        ? ["timeout", String(seconds), "bash", "-c", `exec 3<>/dev/tcp/${to}/${port}`]
        : ["ping", "-c1", `-W${seconds}`, to];
    return Bun.spawnSync(at("web").inside(command), { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
  };

  for (const one of cases) {
    it(one.name, function () {
      needs(this, ...(one.needs ?? []));
      const address = one.to ?? "10.7.0.3";
      const to = one.protocol === undefined ? address : `${address}:${port}${one.protocol === "udp" ? "/udp" : ""}`;
      shell(one.plant);
      try {
        const before = ask(to);
        assert.equal(before.verdict, one.before ?? "unsure", JSON.stringify(before));
        const { verdict, cause, hops } = ask(to, "--live");
        if (one.protocol !== "udp") assert.equal(verdict === "reachable", flows(address, one.protocol, 1));
        if (one.code === undefined) {
          assert.deepEqual([verdict, cause], ["reachable", null], JSON.stringify(hops));
          return;
        }
        assert.equal(verdict, "blocked", JSON.stringify({ cause, hops }));
        // Where explain knew the cause, the drop is the last hop.
        const isKnown = before.verdict === "blocked";
        const said = isKnown ? hops.at(-1).says : cause.what;
        if (!isKnown) assert.deepEqual([cause.code, cause.where], [one.code, placeName(one.where!)], cause.what);
        if (one.says) assert.match(said, one.says);
      } finally {
        shell(one.undo);
      }
    });
  }

  it("a datagram that arrives and is not answered is reachable, one that is dropped is not", async () => {
    const silent = Bun.spawn(
      at("db").inside([
        process.execPath,
        "-e",
        `await Bun.udpSocket({ port: 5353, socket: { data() {} } }); console.log("ready"); setInterval(() => {}, 1e6)`,
      ]),
      { stdout: "pipe" },
    );
    for await (const _ of silent.stdout) break;
    try {
      const { verdict, hops } = ask("10.7.0.3:5353/udp", "--live");
      assert.equal(verdict, "reachable");
      assert.match(hops.at(-1).says, /^arrived/);
      at("db").run("sh", "-c", quota("inet", "input", "udp dport 5353"));
      const dropped = ask("10.7.0.3:5353/udp", "--live");
      assert.deepEqual([dropped.verdict, dropped.cause.code], ["blocked", "dropped-inside"]);
    } finally {
      Bun.spawnSync(at("db").inside(["nft", "delete", "table", "inet", "f"]));
      silent.kill("SIGKILL");
      await silent.exited;
    }
  });

  it("the outside is its first machine, which a ping reaches", () => {
    const { verdict, hops } = ask("outside", "--live");
    assert.equal(verdict, "reachable");
    assert.equal(hops.at(-1).says, "got an answer");
  });

  it("names the interfaces that the probe passed, in order, there and back", () => {
    const linkOf = (where: "web" | "db") => {
      const [{ link_index: index }] = at(where).ip("link", "show", "eth0");
      return place.host.ip("link").find(({ ifindex }) => ifindex === index).ifname;
    };
    const [web, db] = [linkOf("web"), linkOf("db")];
    const probe = ask("10.7.0.3", "--live").hops.filter(({ what }: { what: string }) => what === "probe");
    assert.deepEqual(
      probe.map(({ where, says }: { where: string; says: string }) => `${where}: ${says}`),
      [
        `${placeName("web")}: sent by eth0`,
        `host: came by ${web}, sent by ${db}`,
        `${placeName("db")}: came by eth0`,
        `${placeName("db")}: back: sent by eth0`,
        `host: back: came by ${db}, sent by ${web}`,
        `${placeName("web")}: back: came by eth0`,
        `${placeName("web")}: got an answer`,
      ],
    );
  });
});
