/** The cure of a question about a lab, typed as it is printed in a shell of the machine: traffic flows again. */
import assert from "node:assert/strict";
import { cureFor } from "../../cli/labs/cures.ts";
import { machine, needsLabs, type Person, person, users } from "./person.ts";

const file = (name: string) => `
name: ${name}
networks:
  front: 10.1.0.0/24
  back: 10.2.0.0/24
  cable: { subnets: [10.3.0.0/24], gateway: false }
pods:
  web: { networks: [front], serve: http:80, publish: ["8080:80"] }
  db: { networks: back, serve: tcp:5432, routes: { 10.3.0.0/24: 10.2.0.9 } }
  lone: { networks: front }
  r1: { networks: { back: 10.2.0.9, cable: 10.3.0.9 }, sysctls: { net.ipv4.ip_forward: 1 } }
  far: { networks: { cable: 10.3.0.2 }, serve: tcp:7000 }
links:
  - [web, db]
tests:
  - web -> db:5432
`;

interface Fault {
  readonly name: string;
  /** Where it is planted, and by which command; `lab`: `ns-net lab` with these words. */
  readonly plant: readonly [place: string, command: string];
  readonly from?: string;
  /** The question, and the address that must answer. */
  readonly to?: readonly [words: string, address: string, port: number];
  /** Begins the cure; LAB is the option that names the lab, if there is one. */
  readonly begins: string;
}

const toDb = ["db:5432", "10.2.0.2", 5432] as const;
const toHost = ["host:8080", "203.0.113.2", 8080] as const;

const faults: readonly Fault[] = [
  {
    name: "a pod without a route",
    plant: ["web", "ip route del default"],
    begins: "ns-net lab exec webLAB -- ip route replace ",
  },
  {
    name: "a rule of the host that drops",
    plant: [
      "host",
      "nft 'add table inet evil; add chain inet evil f { type filter hook forward priority 0; }; add rule inet evil f tcp dport 5432 drop'",
    ],
    begins: "ns-net lab exec hostLAB -- nft delete rule inet evil f handle ",
  },
  {
    name: "a policy of the host that drops",
    plant: [
      "host",
      "nft 'add table inet evil; add chain inet evil g { type filter hook forward priority 0; policy drop; }'",
    ],
    begins: "ns-net lab exec hostLAB -- nft 'add rule inet evil g ",
  },
  {
    name: "a host that does not forward",
    plant: ["host", "sysctl -qw net.ipv4.ip_forward=0"],
    begins: "ns-net lab exec hostLAB -- sysctl -w ",
  },
  {
    name: "rules of ns-net that are gone",
    plant: ["host", "nft delete table inet ns_net"],
    from: "outside",
    to: toHost,
    begins: "ns-net lab exec hostLAB -- ns-net repair --data-dir ",
  },
  {
    name: "an interface that is gone",
    plant: ["lone", "ip link del eth0"],
    from: "lone",
    begins: "ns-net lab restart loneLAB",
  },
  {
    name: "one of two interfaces that is gone",
    plant: ["web", "ip link del eth0"],
    begins: "ns-net lab restart webLAB",
  },
  {
    name: "a link that lab impair took down",
    plant: ["lab", "impair web@eth0 --down"],
    begins: "ns-net lab impair web@eth0LAB --up",
  },
];

/** In the folder of the lab. */
function typedBy(who: Person, cure: string): void {
  const asWho = who.line().slice(0, -1);
  const PATH = `${who.folder}:${who.environment["PATH"]}`;
  const env = { ...who.environment, PATH };
  const { exitCode, stderr } = Bun.spawnSync([...asWho, "sh", "-ec", cure], { cwd: who.folder, env, stdin: null });
  assert.equal(exitCode, 0, `${cure}: ${stderr.toString()}`);
}

for (const user of users) {
  describe(`Cures of a lab, as ${user}`, function () {
    this.timeout(60_000);
    let who: Person;
    let up: Disposable;
    before(function () {
      needsLabs(this, user);
      who = person(user);
      up = who.up(who.file("lab.yaml", file("cured")));
    });
    after(() => {
      up?.[Symbol.dispose]();
      who?.[Symbol.dispose]();
    });

    const flows = (from: string, address: string, port: number) =>
      who.inside(from, "timeout", "0.5", "bash", "-c", `exec 3<>"/dev/tcp/${address}/${port}"`).code === 0;
    const explain = (from: string, words: string) => {
      const { out, err } = who.nsNet("explain", from, words, "--json", "--lab", "cured");
      assert.notEqual(out, "", err);
      return JSON.parse(out);
    };
    const typed = (cure: string) => typedBy(who, cure);
    const plant = ({ plant: [place, command], name }: Fault) => {
      const { code, err } = place === "lab" ? who.lab(...command.split(" ")) : who.inside(place, "sh", "-ec", command);
      assert.equal(code, 0, `${name}: ${err}`);
    };

    afterEach(() => void who.inside("host", "nft", "delete table inet evil"));

    for (const fault of faults)
      it(`${fault.name}: the cure is typed on the machine`, () => {
        const { from = "web", to: [words, address, port] = toDb, begins } = fault;
        assert.ok(flows(from, address, port));
        plant(fault);
        assert.ok(!flows(from, address, port));
        const before = machine();
        const { cause } = explain(from, words);
        assert.ok(cause.cure.startsWith(begins.replace("LAB", "")), JSON.stringify(cause));
        typed(cause.cure);
        assert.ok(flows(from, address, port), cause.cure);
        assert.equal(machine(), before);
      });

    it("a way that passes no rule of the host lacks no masquerade", () => {
      assert.ok(!flows("db", "10.3.0.2", 7000));
      const { cause } = explain("db", "far:7000");
      assert.deepEqual([cause.code, cause.where], ["no-return-route", "namespace far"]);
      assert.equal(who.inside("far", "ip", "route", "add", "default", "via", "10.3.0.9").code, 0);
      assert.ok(flows("db", "10.3.0.2", 7000));
    });

    it("lab test prints it, too", () => {
      plant(faults[0]!);
      const { out } = who.lab("test");
      const [, cure = ""] = /^cure: (.*)$/m.exec(out) ?? [];
      assert.ok(cure.startsWith("ns-net lab exec web -- ip route replace "), out);
      typed(cure);
      assert.equal(who.lab("test").code, 0);
    });

    it("names the lab where it is not found without that", () => {
      assert.equal(who.lab("down", "lab.yaml").code, 0);
      up = who.up(who.file("cured.yaml", file("cured")));
      plant(faults[0]!);
      using _ = who.up(who.file("other.yaml", "pods: { web: {} }\n"));
      const { cause } = explain("web", "db:5432");
      assert.ok(cause.cure.startsWith("ns-net lab exec web --lab cured -- ip route replace "), cause.cure);
      typed(cause.cure);
      assert.ok(flows("web", "10.2.0.2", 5432));
    });

    it("on the lab's host it is a command of that host", () => {
      plant(faults[0]!);
      const { out } = who.inside("host", `${who.folder}/ns-net`, "explain", "web", "db:5432", "--json");
      const { cause } = JSON.parse(out);
      assert.match(cause.cure, /^nsenter --net=\/run\/netns\/web ip route replace /);
      assert.equal(who.inside("host", "sh", "-ec", cause.cure).code, 0);
      assert.ok(flows("web", "10.2.0.2", 5432));
    });
  });
}

const routed = `
name: routed
networks:
  left: 10.1.0.0/24
  right: { subnets: [10.2.0.0/24], gateway: false }
routers:
  r: { networks: { left: 10.1.0.254, right: 10.2.0.254 } }
pods:
  web: { networks: left, serve: http:80, routes: { 10.2.0.0/24: 10.1.0.254 } }
  db: { networks: right, serve: tcp:5432, routes: { default: 10.2.0.254 } }
tests: [ "web -> db:5432", "db -> http://web/" ]
`;

describe("Cures of a lab whose gateway is a router", function () {
  this.timeout(60_000);
  let who: Person;
  let up: Disposable;
  before(function () {
    needsLabs(this, "root");
    who = person("root");
    up = who.up(who.file("lab.yaml", routed));
  });
  after(() => {
    up?.[Symbol.dispose]();
    who?.[Symbol.dispose]();
  });

  for (const [name, pod, command, begins] of [
    // While it is down the router would send redirects to web.
    ["a link of the router that is down", "r", "ip link set eth1 down", "ip link set eth1 up"],
    [
      "a default route through it that is gone",
      "db",
      "ip route del default",
      "ip route replace default via 10.2.0.254 dev eth0",
    ],
    [
      "a route through it that is gone",
      "web",
      "ip route del 10.2.0.0/24",
      "ip route replace 10.2.0.0/24 via 10.1.0.254 dev eth0",
    ],
  ] as const)
    it(`${name}: both tests pass right after the cure`, () => {
      assert.equal(who.lab("test").code, 0);
      assert.equal(who.inside(pod, "sh", "-ec", command).code, 0);
      const [first, second] = [who.lab("test"), who.lab("test")];
      assert.deepEqual([first.code, second.code], [1, 1]);
      const [, cure = ""] = /^cure: (.*)$/m.exec(second.out) ?? [];
      assert.ok(cure.startsWith(`ns-net lab exec ${pod} -- ${begins}`), second.out);
      typedBy(who, cure);
      const { code, out } = who.lab("test");
      assert.equal(code, 0, out);
    });
});

describe("Cures of a lab whose namespaces take ICMP redirects", function () {
  this.timeout(60_000);

  it("a redirect that outlives its cause is forgotten", function () {
    needsLabs(this, "root");
    using who = person("root");
    using _ = who.up(who.file("lab.yaml", routed));
    const inside = (pod: string, command: string) => {
      const { code, out, err } = who.inside(pod, "sh", "-ec", command);
      assert.equal(code, 0, err);
      return out;
    };
    inside("r", "sysctl -qw net.ipv4.conf.eth0.send_redirects=1");
    inside("web", "sysctl -qw net.ipv4.conf.eth0.accept_redirects=1");
    inside("r", "ip link set eth1 down");
    for (let i = 0; i < 2; i++) assert.equal(who.lab("test").code, 1);
    inside("r", "ip link set eth1 up");
    assert.match(inside("web", "ip route get 10.2.0.1"), /via 10\.1\.0\.1 .*\n.*<redirected>/);
    const { out } = who.lab("test");
    assert.match(out, /10\.2\.0\.1 via 10\.1\.0\.1 dev eth0 by an ICMP redirect/);
    const cures = [...out.matchAll(/^cure: (.*)$/gm)].map(([, cure]) => cure);
    assert.deepEqual(new Set(cures), new Set(["ns-net lab exec web -- ip route flush cache"]));
    typedBy(who, cures[0]!);
    assert.equal(who.lab("test").code, 0);
  });
});

describe("A cure for a person outside of a lab", () => {
  const asker = { at: "w", host: "host", option: [], holders: ["web"], dataDir: "/d", down: {} };

  it("stays as it is where the machine alone can do it, or where it is no command", () => {
    const all = ["sysctl -w net.netfilter.nf_conntrack_max=9", "Set it", ""];
    for (const cure of all) assert.equal(cureFor(asker, cure), cure);
  });

  it("keeps the condition of a command", () => {
    const cure = cureFor(asker, "If no program needs br9: ip link delete br9");
    assert.equal(cure, `If no program needs br9: ${cureFor(asker, "ip link delete br9")}`);
    assert.match(cure, /: ns-net lab exec /);
  });

  it("starts a pod again whose interface is gone", () => {
    for (const cure of ["ns-net add web --network front", "ns-net del web && ns-net add web --network front"])
      assert.equal(cureFor(asker, cure), "ns-net lab restart web");
  });

  it("is one command of a shell where it is several", () => {
    assert.equal(
      cureFor(asker, "sysctl -w a=1 && ns-net repair"),
      "ns-net lab exec host -- sh -c 'sysctl -w a=1 && ns-net repair --data-dir /d'",
    );
  });
});
