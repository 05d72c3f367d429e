/** `ns-net trace`: what real traffic meets. The traffic is that of ping and of connections, and nothing of the trace stays. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { cable, freshNetns, type Netns, run } from "../../support/sandbox.ts";
import { tcpServer } from "../../support/tcp.ts";
import { freshPlace, namedNetns, type Place } from "../place.ts";

interface Rule {
  readonly table: string;
  readonly chain: string;
  readonly handle: number | null;
  readonly verdict: string;
}

interface Packet {
  readonly protocol: string;
  readonly from: string;
  readonly to: string;
  readonly kind: string;
  readonly path: readonly {
    readonly where: string;
    readonly came: string | null;
    readonly sent: string | null;
    readonly delivered: boolean;
    readonly rewritten: { readonly from: string; readonly to: string } | null;
    readonly rules: readonly Rule[];
  }[];
  readonly dropped: { readonly reason: string; readonly says: string } | null;
  /** In a line about packets that were left out. */
  readonly leftOut?: number;
}

interface Running {
  /** The lines so far, at the end of the command all. */
  readonly lines: string[];
  readonly pid: number;
  end(signal?: NodeJS.Signals): Promise<number>;
}

describe("ns-net trace", function () {
  this.timeout(60_000);
  let place: Place;
  let outside: Netns;
  let server: Disposable;
  let [web, db] = ["", ""];
  let [webLink, dbLink] = ["", ""];
  before(async function () {
    needs(this, "ns-net", "bridge", "nft nat", "nft bridge", "ping");
    place = freshPlace();
    [web, db] = [place.name("web"), place.name("db")];
    const on = ["--subnet", "10.7.0.0/24", "--bridge", "br7"];
    place.must("add", web, ...on);
    place.must("add", db, ...on, "--publish", "8080:80");
    place.host.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0");
    outside = freshNetns("far");
    cable(
      { ns: place.host, ifname: "up0", cidrs: ["192.0.2.1/24"] },
      { ns: outside, ifname: "eth0", cidrs: ["192.0.2.2/24"] },
    );
    place.host.run("ip", "route", "add", "default", "via", "192.0.2.2");
    server = await tcpServer(namedNetns(db), "0.0.0.0", 80);
    const linkOf = (name: string) => {
      const [{ link_index: index }] = namedNetns(name).ip("link", "show", "eth0");
      return place.host.ip("link").find(({ ifindex }) => ifindex === index).ifname;
    };
    [webLink, dbLink] = [linkOf(web), linkOf(db)];
  });
  after(() => {
    server?.[Symbol.dispose]();
    outside?.[Symbol.dispose]();
    place?.[Symbol.dispose]();
  });

  const nftTables = () => [place.host, namedNetns(web), namedNetns(db)].map((ns) => ns.nft("list", "tables")).join("");

  /** Starts the command, and resolves when it says that it traces. */
  async function tracing(...words: string[]): Promise<Running> {
    const child = Bun.spawn(place.host.inside(place.command("trace", ...words)), { stdout: "pipe", stderr: "pipe" });
    for await (const chunk of child.stderr) {
      assert.match(new TextDecoder().decode(chunk), /^tracing /);
      break;
    }
    const lines: string[] = [];
    const reading = (async () => {
      let begun = "";
      for await (const chunk of child.stdout) {
        const parts = (begun + new TextDecoder().decode(chunk)).split("\n");
        begun = parts.pop()!;
        lines.push(...parts);
      }
    })();
    return {
      lines,
      pid: child.pid,
      async end(signal = "SIGINT") {
        child.kill(signal);
        const code = await child.exited;
        await reading;
        return code;
      },
    };
  }

  /** The packets that a command traces while `traffic` runs. */
  async function traced(words: readonly string[], traffic: () => unknown): Promise<Packet[]> {
    const running = await tracing(...words, "--json");
    await traffic();
    assert.equal(await running.end(), 0);
    return running.lines.map((line) => JSON.parse(line) as Packet);
  }

  const ping = (from: Netns, to: string, ...more: string[]) => {
    const { stdout } = Bun.spawnSync(from.inside(["ping", "-c1", "-W1", ...more, to]));
    return stdout.toString();
  };
  const connects = (from: Netns, to: string, port: number) =>
    Bun.spawnSync(from.inside(["timeout", "1", "bash", "-c", `exec 3<>/dev/tcp/${to}/${port}`]), { stderr: "ignore" })
      .exitCode === 0;

  it("prints the way of a ping and of its answer, interface by interface", async () => {
    const packets = await traced([web, db], () => assert.match(ping(namedNetns(web), "10.7.0.3"), / 0% packet loss/));
    const ways = packets.map(({ from, to, kind, path }) => [
      `${from} ${to} ${kind}`,
      ...path.map(({ where, came, sent, delivered }) => `${where}: ${came} ${sent} ${delivered}`),
    ]);
    assert.deepEqual(ways, [
      [
        "10.7.0.2 10.7.0.3 echo request 1",
        `namespace ${web}: null eth0 false`,
        `host: ${webLink} ${dbLink} false`,
        `namespace ${db}: eth0 null true`,
      ],
      [
        "10.7.0.3 10.7.0.2 echo reply 1",
        `namespace ${db}: null eth0 false`,
        `host: ${dbLink} ${webLink} false`,
        `namespace ${web}: eth0 null true`,
      ],
    ]);
    for (const { dropped } of packets) assert.equal(dropped, null);
    assert.doesNotMatch(nftTables(), /live/);
  });

  it("traces the asked port alone", async () => {
    const packets = await traced([web, `${db}:80`], () => {
      ping(namedNetns(web), "10.7.0.3");
      connects(namedNetns(web), "10.7.0.3", 81);
      assert.ok(connects(namedNetns(web), "10.7.0.3", 80));
    });
    assert.ok(packets.length >= 3, "a connection begins with three packets");
    for (const { from, to } of packets) assert.match(`${from} ${to}`, /10\.7\.0\.3:80\b/);
    assert.deepEqual(
      packets.slice(0, 3).map(({ kind }) => kind),
      ["SYN", "SYN ACK", "ACK"],
    );
  });

  it("follows a packet through translations of its addresses, there and back", async () => {
    const packets = await traced([outside.name, "192.0.2.1:8080"], () =>
      assert.ok(connects(outside, "192.0.2.1", 8080)),
    );
    const [there, back] = packets;
    const atHost = (one: Packet | undefined) => one?.path.find(({ where }) => where === "host");
    assert.equal(there?.to, "192.0.2.1:8080");
    assert.equal(atHost(there)?.rewritten?.to, "10.7.0.3:80");
    assert.deepEqual([there?.path.at(-1)?.where, there?.path.at(-1)?.delivered], [`namespace ${db}`, true]);
    assert.equal(back?.from, "10.7.0.3:80");
    assert.deepEqual([back?.path.at(-1)?.where, back?.path.at(-1)?.delivered], [`namespace ${outside.name}`, true]);
    const handles = place.host.nft("-a", "list", "ruleset");
    for (const { chain, handle } of atHost(there)!.rules)
      if (handle !== null) assert.match(handles, RegExp(`chain ${chain} \\{[^}]*# handle ${handle}\\n`));
  });

  const ways = (packets: readonly Packet[]) =>
    packets.map(({ from, to, kind, path, dropped }) => [
      `${from} ${to} ${kind}`,
      ...path.map(({ where, came, sent, delivered, rewritten }) => {
        const now = rewritten === null ? "" : `, now ${rewritten.from} ${rewritten.to}`;
        return `${where}: ${came} ${sent} ${delivered}${now}`;
      }),
      ...(dropped === null ? [] : [`dropped: ${dropped.reason}`]),
    ]);

  /** Bridges call the rules of IP (br_netfilter), or not: the kernel then numbers a packet that is routed once or twice. */
  async function withBridgeCalls(test: () => Promise<void>): Promise<void> {
    for (const value of [1, 0]) {
      place.host.run("sysctl", "-qw", `net.bridge.bridge-nf-call-iptables=${value}`);
      try {
        await test();
      } finally {
        place.host.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0");
      }
    }
  }

  it("prints a packet of a published port once, however it is translated and routed", () =>
    withBridgeCalls(async () => {
      const packets = await traced(["outside", "host:8080"], () => assert.ok(connects(outside, "192.0.2.1", 8080)));
      const client = packets[0]!.from;
      assert.match(client, /^192\.0\.2\.2:\d+$/);
      assert.deepEqual(ways(packets).slice(0, 3), [
        [
          `${client} 192.0.2.1:8080 SYN`,
          `namespace ${outside.name}: null eth0 false`,
          `host: up0 ${dbLink} false, now ${client} 10.7.0.3:80`,
          `namespace ${db}: eth0 null true`,
        ],
        [
          `10.7.0.3:80 ${client} SYN ACK`,
          `namespace ${db}: null eth0 false`,
          `host: ${dbLink} up0 false, now 192.0.2.1:8080 ${client}`,
          `namespace ${outside.name}: eth0 null true`,
        ],
        [
          `${client} 192.0.2.1:8080 ACK`,
          `namespace ${outside.name}: null eth0 false`,
          `host: up0 ${dbLink} false, now ${client} 10.7.0.3:80`,
          `namespace ${db}: eth0 null true`,
        ],
      ]);
    }));

  it("prints a masqueraded ping and its answer with the host between them", () =>
    withBridgeCalls(async () => {
      const packets = await traced([web, "outside"], () =>
        assert.match(ping(namedNetns(web), "192.0.2.2"), / 0% packet loss/),
      );
      assert.deepEqual(ways(packets), [
        [
          "10.7.0.2 192.0.2.2 echo request 1",
          `namespace ${web}: null eth0 false`,
          `host: ${webLink} up0 false, now 192.0.2.1 192.0.2.2`,
          `namespace ${outside.name}: eth0 null true`,
        ],
        [
          "192.0.2.2 192.0.2.1 echo reply 1",
          `namespace ${outside.name}: null eth0 false`,
          `host: up0 ${webLink} false, now 192.0.2.2 10.7.0.2`,
          `namespace ${web}: eth0 null true`,
        ],
      ]);
    }));

  it("follows a published port by the address of the container: requests before answers, and the host", () =>
    withBridgeCalls(async () => {
      const packets = await traced(["outside", `${db}:80`], () => assert.ok(connects(outside, "192.0.2.1", 8080)));
      const [there, back] = ways(packets);
      const client = packets[0]!.from;
      assert.deepEqual(there, [
        `${client} 10.7.0.3:80 SYN`,
        `host: up0 ${dbLink} false`,
        `namespace ${db}: eth0 null true`,
      ]);
      assert.deepEqual(back?.slice(0, 3), [
        `10.7.0.3:80 ${client} SYN ACK`,
        `namespace ${db}: null eth0 false`,
        `host: ${dbLink} up0 false, now 192.0.2.1:8080 ${client}`,
      ]);
    }));

  it("prints no packets of other places that share the host's address", async () => {
    for (const asked of ["outside", outside.name, "192.0.2.2"]) {
      const packets = await traced([web, asked], () => {
        assert.ok(connects(outside, "192.0.2.1", 8080));
        assert.match(ping(place.host, "192.0.2.2"), / 0% packet loss/);
        assert.match(ping(namedNetns(db), "192.0.2.2"), / 0% packet loss/);
        assert.match(ping(namedNetns(web), "192.0.2.2"), / 0% packet loss/);
      });
      const seen = packets.map(({ from, to, kind }) => `${from} ${to} ${kind}`);
      assert.deepEqual(seen, ["10.7.0.2 192.0.2.2 echo request 1", "192.0.2.2 192.0.2.1 echo reply 1"], asked);
    }
    const ofHost = await traced(["host", outside.name], () =>
      assert.match(ping(place.host, "192.0.2.2"), / 0% packet loss/),
    );
    assert.equal(ofHost.length, 2, "the host's own, if they are asked for");
  });

  it("calls a packet lost only if it was: not what a socket that closes puts away", async function () {
    needs(this, "tracefs");
    const answers = 'Bun.listen({ hostname: "0.0.0.0", port: 81, socket: { data: (one) => one.write("ok\\n") } })';
    const program = `${answers}; console.log("listens")`;
    const server81 = Bun.spawn(namedNetns(web).inside([process.execPath, "-e", program]), { stdout: "pipe" });
    for await (const _ of server81.stdout) break;
    place.host.nft("add table ip n; add chain ip n c { type nat hook prerouting priority -100; }");
    place.host.nft("add rule ip n c tcp dport 8081 dnat to 10.7.0.2:81");
    try {
      // By this address the way is seen as far as the host: that it came to the client is not known.
      const packets = await traced(["outside", `${web}:81`], () => {
        // The client closes first, and the last packet of the server comes to a socket that goes.
        const asks = "exec 3<>/dev/tcp/192.0.2.1/8081; echo >&3; read -r answer <&3; exec 3>&-; echo $answer";
        for (let i = 0; i < 4; i++)
          assert.equal(String(Bun.spawnSync(outside.inside(["timeout", "9", "bash", "-c", asks])).stdout), "ok\n");
      });
      assert.ok(packets.length >= 4 * 8, `${packets.length} packets`);
      for (const { dropped } of packets) assert.notEqual(dropped?.reason, "QUEUE_PURGE");
    } finally {
      server81.kill("SIGKILL");
      place.host.nft("delete table ip n");
    }
  });

  it("names the rule that drops, as nft numbers it", async () => {
    const inside = namedNetns(db);
    inside.nft("add table inet f; add chain inet f c { type filter hook input priority 0; }");
    inside.nft("add rule inet f c ip protocol icmp counter drop");
    try {
      const [packet] = await traced([web, db], () => ping(namedNetns(web), "10.7.0.3"));
      const [, handle] = /drop # handle (\d+)/.exec(inside.nft("-a", "list", "table", "inet", "f"))!;
      const rule = { table: "inet f", chain: "c", handle: Number(handle), verdict: "drop" };
      assert.deepEqual(packet?.path.at(-1)?.rules, [rule]);
      assert.equal(packet?.path.at(-1)?.delivered, false);
      assert.notEqual(packet?.dropped, null);
    } finally {
      inside.nft("delete", "table", "inet", "f");
    }
  });

  it("says why the kernel drops: no program, and a filter that is not nf_tables", async function () {
    needs(this, "tracefs", "iptables-legacy");
    const [refused] = await traced([web, db], () => connects(namedNetns(web), "10.7.0.3", 81));
    assert.equal(refused?.dropped?.reason, "NO_SOCKET");
    namedNetns(db).run("iptables-legacy", "-w", "-A", "INPUT", "-p", "icmp", "-j", "DROP");
    try {
      const [dropped] = await traced([web, db], () => ping(namedNetns(web), "10.7.0.3"));
      assert.equal(dropped?.dropped?.reason, "NETFILTER_DROP");
      assert.match(dropped!.dropped!.says, /iptables-legacy .*table filter/);
    } finally {
      namedNetns(db).run("iptables-legacy", "-w", "-F");
    }
  });

  it("is not flooded by a busy flow, and says how many packets it left out", async () => {
    const sent = 3000;
    const lines = await traced([web, db], () => {
      const { stdout } = Bun.spawnSync(namedNetns(web).inside(["ping", "-f", "-c", String(sent), "10.7.0.3"]));
      assert.match(stdout.toString(), RegExp(`${sent} packets transmitted, ${sent} received`));
    });
    const leftOut = lines.reduce((sum, one) => sum + (one.leftOut ?? 0), 0);
    const seen = lines.filter(({ path }) => path?.some(({ where }) => where === `namespace ${web}`)).length;
    assert.equal(seen + leftOut, 2 * sent);
    assert.ok(leftOut > sent, `${leftOut} left out`);
  });

  it("prints lines of at most 80 columns for people, and ends after --count packets", async () => {
    const running = await tracing(web, "192.0.2.2", "--count", "1");
    ping(namedNetns(web), "192.0.2.2");
    assert.equal(await running.end("SIGCONT"), 0);
    const text = running.lines.join("\n");
    assert.match(text, /^[\d:.]+ icmp 10\.7\.0\.2 → 192\.0\.2\.2, echo request 1, 84 bytes$/m);
    assert.match(text, /^ {2}host +came by \S+, now 192\.0\.2\.1 → 192\.0\.2\.2,\s+sent\s+by\s+up0$/m);
    assert.doesNotMatch(text, /echo reply/);
    for (const line of running.lines) assert.ok(Bun.stringWidth(line) <= 80, line);
  });

  it("leaves nothing after Ctrl-C, and after a kill nothing but what the next command removes", async function () {
    needs(this, "tracefs");
    const tracefs = place.file("tracefs/empty", "").replace(/\/empty$/, "");
    run(["mount", "-t", "tracefs", "tracefs", tracefs]);
    try {
      const folderOf = (pid: number) => join(tracefs, "instances", `ns-net-${pid}`);
      const ended = await tracing(web, db);
      assert.ok(existsSync(folderOf(ended.pid)), `none of ${readdirSync(join(tracefs, "instances"))}`);
      assert.match(nftTables(), RegExp(`ns-net-live-${ended.pid}`));
      assert.equal(await ended.end(), 0);
      assert.equal(existsSync(folderOf(ended.pid)), false);
      assert.doesNotMatch(nftTables(), /live/);
      const killed = await tracing(web, db);
      await killed.end("SIGKILL");
      assert.doesNotMatch(nftTables(), /live/);
      assert.ok(existsSync(folderOf(killed.pid)));
      place.cli("explain", web, db, "--live");
      assert.equal(existsSync(folderOf(killed.pid)), false);
    } finally {
      run(["umount", tracefs]);
    }
  });

  it("traces from an outside that is not on this machine: its clients, whatever their addresses, and no other packets", async function () {
    needs(this, "macvlan");
    const client = freshNetns("client");
    const router = freshNetns("router");
    place.host.run("ip", "route", "del", "default");
    try {
      cable({ ns: place.host, ifname: "wire1", cidrs: [] }, { ns: router, ifname: "lan0", cidrs: ["198.51.100.1/24"] });
      cable(
        { ns: router, ifname: "wan0", cidrs: ["203.0.113.1/24"] },
        { ns: client, ifname: "eth0", cidrs: ["203.0.113.7/24"] },
      );
      router.run("sysctl", "-qw", "net.ipv4.ip_forward=1");
      client.run("ip", "route", "add", "default", "via", "203.0.113.1");
      // A link that is not followed, as a network card.
      place.host.run("ip", "link", "add", "card0", "link", "wire1", "type", "macvlan", "mode", "bridge");
      place.host.run("ip", "address", "add", "198.51.100.2/24", "dev", "card0");
      place.host.run("ip", "link", "set", "card0", "up");
      place.host.run("ip", "route", "add", "default", "via", "198.51.100.1");
      const packets = await traced(["outside", "host:8080"], () => {
        assert.ok(connects(client, "198.51.100.2", 8080));
        assert.ok(connects(router, "198.51.100.2", 8080));
        assert.ok(connects(namedNetns(web), "10.7.0.3", 80));
        assert.match(ping(client, "198.51.100.2"), / 0% packet loss/);
      });
      const clients = packets.filter(({ kind }) => kind === "SYN").map(({ from }) => from.split(":")[0]);
      assert.deepEqual(clients, ["203.0.113.7", "198.51.100.1"]);
      for (const { from, to } of packets) assert.match(`${from} ${to}`, /198\.51\.100\.2:8080|10\.7\.0\.3:80 /);
      const pings = await traced([web, "outside"], () => {
        assert.match(ping(namedNetns(web), "203.0.113.7"), / 0% packet loss/);
        assert.match(ping(namedNetns(web), "10.7.0.3"), / 0% packet loss/);
        assert.match(ping(place.host, "203.0.113.7"), / 0% packet loss/);
      });
      assert.deepEqual(pings.map(({ from, to, kind }) => `${from} ${to} ${kind}`).slice(0, 1), [
        "10.7.0.2 203.0.113.7 echo request 1",
      ]);
      for (const { from, to } of pings) assert.match(`${from} ${to}`, /10\.7\.0\.2/);
    } finally {
      place.host.run("sh", "-c", "ip link del card0; ip route replace default via 192.0.2.2");
      for (const ns of [client, router]) ns[Symbol.dispose]();
    }
  });

  it("refuses names that nothing has, and counts that are none: exit code 2", () => {
    assert.equal(place.cli("trace", web, `${db}x`).code, 2);
    const { code, err } = place.cli("trace", web, db, "--count", "0");
    assert.equal(code, 2);
    assert.match(err, /--count 0: give a number of packets/);
  });
});
