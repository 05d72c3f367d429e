/**
 * `ns-net doctor`: each fault is planted on a machine that is well, and the printed cure is run. Witnesses are the programs
 * that plant: ip, nft, iptables, sysctl.
 */
import assert from "node:assert/strict";
import { refusalsOf } from "../../../../explain/networks/refusals.ts";
import { needs } from "../../../support/needs.ts";
import { skip } from "../../../support/skip.ts";
import { onTerminal, plain } from "../../../support/terminal.ts";
import { freshWorld } from "../../../support/world.ts";
import { freshPlace, needsOwnEtc } from "../../place.ts";
import { conflist, type Fault, openWard, range, testFaults, write } from "./doctorScene.ts";

const routing: readonly Fault[] = [
  {
    id: "forwarding",
    status: "fail",
    plant: "sysctl -qw net.ipv4.ip_forward=0",
    says: /IPv4 forwarding is off, and this host is the gateway of labtwo, lab:/,
  },
  {
    id: "forwarding",
    status: "fail",
    plant: "sysctl -qw net.ipv6.conf.all.forwarding=0",
    says: /IPv6 forwarding is off/,
  },
  {
    id: "rp-filter",
    status: "warn",
    plant: "sysctl -qw net.ipv4.conf.lab0.rp_filter=1; ip route add 10.20.0.0/25 via 192.0.2.2",
    says: /^lab0 drops what containers of lab send: its rp_filter is strict, and the route back to them is by up0$/m,
  },
  {
    id: "ipv6",
    status: "fail",
    plant: "sysctl -qw net.ipv6.conf.lab0.disable_ipv6=1",
    says: /lab has IPv6 subnets, and IPv6 is off on its bridge lab0/,
  },
  {
    id: "bridge-nf-call",
    status: "warn",
    plant:
      "sysctl -qw net.bridge.bridge-nf-call-iptables=1; nft 'table ip f { chain c { type filter hook forward priority 0; policy drop; }; }'",
    says: /containers of lab do not reach each other: br_netfilter hands their packets to table ip f, chain c, policy/,
  },
  {
    id: "bridge-nf-call",
    status: "warn",
    plant:
      "ip link set lab0 type bridge nf_call_ip6tables 1; nft 'table ip6 f { chain c { type filter hook forward priority 0; iifname lab0 drop; }; }'",
    says: /table ip6 f, chain c, handle \d/,
  },
];

const firewalls: readonly Fault[] = [
  {
    id: "firewall",
    status: "warn",
    plant: "iptables -P FORWARD DROP",
    says: /^iptables drops what containers of lab send to the outside: table ip filter, chain FORWARD, policy$/m,
  },
  {
    id: "firewall",
    status: "warn",
    plant:
      "iptables -N LATER; iptables -A LATER -j REJECT; iptables -A FORWARD -o lab0 -m conntrack --ctstate ESTABLISHED -j LATER",
    says: /^iptables drops the answers to what containers of lab send: table ip filter, chain LATER, handle \d+$/m,
  },
  {
    id: "firewall",
    status: "warn",
    plant: "iptables -N DOCKER-USER; iptables -A FORWARD -j DOCKER-USER; iptables -P FORWARD DROP",
    says: /^Docker drops what containers of labtwo send to the outside/m,
  },
  {
    id: "firewall",
    status: "warn",
    plant: "nft 'table inet own { chain f { type filter hook forward priority 0; meta nfproto ipv6 reject; }; }'",
    says: /^nf_tables drops what containers of lab send to the outside: table inet own, chain f, handle \d+$/m,
  },
  {
    id: "firewall",
    status: "warn",
    plant:
      "nft 'table ip early { chain p { type filter hook prerouting priority raw; ip saddr 10.20.0.0/24 drop; }; }'",
    says: /table ip early, chain p, handle \d+$/m,
  },
  {
    id: "firewall",
    status: "warn",
    plant: "nft 'table inet firewalld { chain filter_FORWARD { type filter hook forward priority 10; reject; }; }'",
    says: /^firewalld drops what containers of lab send/m,
    cure: /^firewall-cmd --zone=trusted --add-interface=lab0 && firewall-cmd --permanent --zone=trusted --add-interface=lab0$/,
  },
  {
    id: "firewall",
    status: "warn",
    plant: "iptables -N ufw-user-forward; iptables -A FORWARD -j ufw-user-forward; iptables -P FORWARD DROP",
    says: /^ufw drops what containers of lab send/m,
    cure: /^ufw route allow in on lab0 && ufw route allow out on lab0$/,
  },
];

describe("ns-net doctor", function () {
  this.timeout(120_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "iptables", "vxlan");
    needsOwnEtc(this);
  });

  it("finds nothing wrong with a machine that is well, and says so", () => {
    using ward = openWard({ publish: ["8080:80"] });
    const { ok, checks } = ward.examine();
    assert.ok(ok);
    assert.deepEqual(
      checks.filter(({ status }) => status !== "ok" && status !== "skipped"),
      [],
    );
    assert.deepEqual(
      checks.filter(({ status }) => status === "skipped").map(({ id }) => id),
      ["neighbours"],
    );
    assert.ok(checks.length >= 17);
    assert.ok(checks.every(({ says, cure }) => says !== "" && cure === ""));
  });

  it("finds nothing wrong with a machine where nothing was ever attached", () => {
    using place = freshPlace();
    const { code, out } = place.cli("doctor", "--json", "--bin-dir", place.folder);
    assert.equal(code, 0);
    assert.doesNotMatch(out, /"(warn|fail)"/);
  });

  it("says of each file who serves its plugins, and who would; ADD answers the same", () => {
    using ward = openWard();
    const mixed = { cniVersion: "1.0.0", name: "mixed", plugins: [] as object[] };
    mixed.plugins = [{ type: "bridge", ipam: { type: "host-local", subnet: "10.44.0.0/24" } }, { type: "portmap" }];
    const { binDir } = ward;
    const there = `for name in bridge host-local theirs; do cp /bin/true ${binDir}/$name; done; ln -s "$(command -v ns-net)" ${binDir}/ns-net`;
    ward.shell(`${there}; ln -s ns-net ${binDir}/portmap
      ${write("10-mixed.conflist", JSON.stringify(mixed))}
      ${write("20-own.conflist", conflist("own", { type: "ns-net" }))}
      ${write("30-theirs.conflist", conflist("theirs", { type: "theirs" }))}`);
    assert.deepEqual(
      ward.of("configurations").map(({ status, says }) => `${status} ${says}`),
      [
        "ok /etc/cni/net.d/10-mixed.conflist, which runtimes take by default, is served by ns-net: portmap; can be served by ns-net as it is (install --drop-in): bridge, host-local",
        "ok /etc/cni/net.d/20-own.conflist is served by ns-net: ns-net",
        "ok /etc/cni/net.d/30-theirs.conflist has plugins that ns-net does not replace: theirs",
      ],
    );
  });

  it("refuses in a file what an ADD refuses", () => {
    using world = freshWorld();
    const netns = world.netns();
    const plugins = [
      { type: "bridge", isGatway: true },
      { type: "portmap", conditionsV4: ["-p", "tcp"] },
      { type: "bandwidth", shapedSubnets: ["10.0.0.0/8"] },
    ];
    for (const one of plugins) {
      const given = { cniVersion: "1.0.0", name: "x", ...one };
      const { code: exit, json } = world.call("ADD", { ...given, prevResult: { cniVersion: "1.0.0" } }, { netns });
      const [refusal] = refusalsOf({ configuration: { cniVersion: "1.0.0", name: "x", plugins: [one] } });
      assert.deepEqual([exit, json.code, json.msg], [1, refusal!.fault.code, refusal!.fault.message]);
    }
  });

  it("a network that has a file and no attachment yet is no reason to forward", () => {
    using ward = openWard();
    ward.shell(`ns-net del $A --data-dir $PWD/data; ns-net del $B --data-dir $PWD/data; ns-net del $C --data-dir $PWD/data
      ns-net gc --data-dir $PWD/data; sysctl -qw net.ipv4.ip_forward=0
      ${write("10-x.conflist", conflist("x", { type: "ns-net", bridge: "x0", isGateway: true, ipam: range("10.44.0.0/24") }))}`);
    const [one] = ward.of("forwarding");
    assert.deepEqual(
      [one!.status, one!.says],
      ["ok", "IPv4 forwarding is off; the first ADD to x, labtwo, lab turns it on"],
    );
  });

  describe("routing:", () =>
    testFaults(
      routing,
      "ip route del 10.20.0.0/25; nft delete table ip f; nft delete table ip6 f; sysctl -qw net.ipv4.conf.lab0.rp_filter=0",
    ));
  describe("firewalls:", () =>
    testFaults(
      firewalls,
      "for table in 'ip filter' 'ip6 filter' 'inet own' 'ip early' 'inet firewalld'; do nft delete table $table; done",
    ));

  it("says that it cannot see what rules of iptables-legacy do, and how to let containers through", function () {
    using ward = openWard();
    const rule = ["iptables-legacy", "-A", "FORWARD", "-s", "10.20.0.0/16", "-j", "DROP"];
    const { exitCode, stderr } = Bun.spawnSync(ward.place.host.inside(rule));
    if (exitCode !== 0) skip(this, `no iptables-legacy here: ${stderr}`);
    const [one] = ward.of("firewall");
    assert.equal(one!.status, "warn");
    assert.match(one!.says, /iptables-legacy/);
  });

  it("leaves alone rules that a configuration of ns-net asks for, and those that let containers through", () => {
    using ward = openWard({ second: { ingressPolicy: "isolated" } });
    ward.shell(`nft 'table inet f { chain c { type filter hook forward priority 0; policy drop;
      ct state established,related accept; iifname { lab0, lab1 } accept; limit rate 1/second drop; }; }'`);
    assert.deepEqual(
      ward.of("firewall").map(({ status }) => status),
      ["ok"],
    );
  });

  it("a user who is not root gets what this user may see, and what was skipped", () => {
    using ward = openWard();
    const { place } = ward;
    ward.shell(`chmod 755 . && cp "$(command -v ns-net)" program`);
    const user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const line = [...user, `${place.folder}/program`, "doctor", "--json", "--data-dir", place.dataDir];
    const { exitCode, stdout, stderr } = Bun.spawnSync(place.host.inside(line));
    assert.equal(exitCode, 0, `${stderr}`);
    const { checks } = JSON.parse(stdout.toString());
    const skipped = checks.filter(({ status }: { status: string }) => status === "skipped");
    assert.ok(skipped.length >= 10, stdout.toString());
    assert.ok(skipped.every(({ says }: { says: string }) => says !== ""));
  });

  it("names the rights that a process in a container lacks", () => {
    using ward = openWard();
    const line = ["setpriv", "--bounding-set=-sys_admin,-sys_ptrace", ...ward.place.command("doctor", "--json")];
    const { exitCode, stdout } = Bun.spawnSync(ward.place.host.inside(line));
    assert.equal(exitCode, 1);
    const own = JSON.parse(stdout.toString()).checks.filter(({ id }: { id: string }) => id === "capabilities");
    assert.deepEqual(
      own.map(({ status, says }: { status: string; says: string }) => `${status} ${says.split(" ")[0]}`),
      ["fail CAP_SYS_ADMIN", "fail CAP_SYS_PTRACE"],
    );
  });

  it("the page fits the terminal but for cures, which are pasted; colours are left out of a pipe", async () => {
    using ward = openWard();
    ward.shell("sysctl -qw net.ipv4.ip_forward=0");
    const { code, text } = await onTerminal(ward.place.host.inside(ward.place.command("doctor")), { columns: 60 });
    assert.equal(code, 1);
    const lines = plain(text).split("\n");
    assert.deepEqual(
      lines.filter((line) => line.length > 60 && !line.includes("cure: ")),
      [],
    );
    assert.ok(lines.some((line) => line.startsWith("✗ forwarding ")));
    assert.ok(lines.includes("                   cure: sysctl -w net.ipv4.ip_forward=1"), plain(text));
    assert.ok(text.includes("\x1b[31m✗"));
    const piped = ward.place.cli("doctor");
    assert.equal(piped.out, plain(piped.out));
    assert.match(piped.out, /\n2 fail, .*\d+ ok\n$/);
  });
});
