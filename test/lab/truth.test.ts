/** The tests of a lab say what is true, and nothing that a pod sends or does ends the lab. The other side is bash, python and kill. */
import assert from "node:assert/strict";
import { findProgram } from "../../scripts/setup/tools.mjs";
import { run } from "../support/sandbox.ts";
import { skip } from "../support/skip.ts";
import { needsLabs, type Person, person } from "./person.ts";

const file = `
networks:
  n: 10.1.0.0/24
  six: { subnets: ["fd06::/64"], gateway: false }
  alone: { subnets: [10.3.0.0/24], gateway: false }
  two: [10.4.0.0/24, 10.5.0.0/24]
pods:
  a: { networks: n, serve: [udp:5, http:80, tcp:99] }
  b: { networks: n, run: "sleep 1000" }
  s: { networks: six, serve: http:80 }
  lone: { networks: alone }
  both: { networks: two, sysctls: { net.ipv4.conf.eth0.proxy_arp: 1 } }
  bare: { sysctls: { net.ipv4.ip_default_ttl: 32 } }
tests:
  - a -> s
  - a -x-> s
  - a -> http://s/
  - lone -> host
  - lone -x-> a:5/udp
  - bare -> host
  - b -x-> http://a:99/
  - b -> http://a:99/
  - b -x-> http://a/
  - b -> a:7
  - b -> a:7/udp
  - lone -> http://a/
  - { from: b, to: a, mtu: 1600, expect: reachable }
  - b -> a:5/udp
  - a -> 255.255.255.255:99/udp
`;

/** Whether each passes, and the reason of what is not reached. */
const truth: Readonly<Record<string, readonly [passes: boolean, why: string | null]>> = {
  "a -> s": [false, "the name has no address here"],
  "a -x-> s": [true, "the name has no address here"],
  "a -> http://s/": [false, "the name has no address here"],
  "lone -> host": [false, "the name has no address here"],
  "lone -x-> a:5/udp": [true, "no route"],
  "bare -> host": [false, "the name has no address here"],
  "b -x-> http://a:99/": [false, "no HTTP"],
  "b -> http://a:99/": [false, "no HTTP"],
  "b -x-> http://a/": [false, null],
  "b -> a:7": [false, "refused"],
  "b -> a:7/udp": [false, "refused"],
  "lone -> http://a/": [false, "no route"],
  "b -> a": [false, "longer than the interface's MTU"],
  "b -> a:5/udp": [true, null],
};

describe("The tests of a lab are true, and", function () {
  this.timeout(60_000);
  let who: Person;
  let up: Disposable;
  before(function () {
    needsLabs(this, "root");
    who = person("root");
    up = who.up(who.file("truth.yaml", file));
  });
  after(() => {
    up?.[Symbol.dispose]();
    who?.[Symbol.dispose]();
  });
  const inside = (pod: string, ...words: string[]) => who.inside(pod, ...words);
  const isUp = () => assert.equal(who.json("ls")[0].state, "up");

  it("say what is reached, and why not", () => {
    const { tests } = who.json("test");
    const found = Object.fromEntries(
      tests.map(({ test, passed, why }: { test: string; passed: boolean; why: string | null }) => [
        test,
        [passed, why],
      ]),
    );
    delete found["a -> 255.255.255.255:99/udp"]; // it must not end the lab, and is not reached by any reason
    assert.deepEqual(found, truth);
    isUp();
  });

  it("fail for an open server that must not be reached, whatever it answers", function () {
    const python = findProgram("python3");
    if (python === undefined) skip(this, "no program python3");
    who.file(
      "page.yaml",
      "networks: { n: 10.8.0.0/24 }\npods: { a: { networks: n, run: 'cd /proc/self/net && exec python3 -m http.server 8000' }, b: { networks: n } }\ntests: [{ from: b, to: 'http://a:8000/', within: 20s }, b -x-> http://a:8000/nope, b -> http://a:8000/nope]\n",
    );
    using _ = who.up("page.yaml");
    who.json("test", "--lab", "page"); // until the server listens
    const { tests } = who.json("test", "--lab", "page");
    assert.deepEqual(
      tests.map((one: { passed: boolean; found: string; why: string }) => [one.passed, one.found, one.why]),
      [
        [true, "reachable", null],
        [false, "reachable", "HTTP 404"],
        [false, "unreachable", "HTTP 404"],
      ],
    );
  });

  it("ping pods that have no family in common", () => {
    const { pairs } = who.json("ping");
    const pair = (from: string, to: string) =>
      pairs.find((one: { from: string; to: string }) => one.from === from && one.to === to);
    assert.deepEqual({ ...pair("a", "s"), ms: 0 }, { from: "a", to: "s", reached: false, expected: false, ms: 0 });
    assert.ok(pair("a", "b").reached);
    isUp();
  });

  it("leave the lab up when clients of its UDP servers are gone before the answer", () => {
    for (const [pod, place] of [
      ["a", "10.1.0.2/5"],
      ["b", "10.1.0.2/5"],
      ["b", "127.0.0.53/53"],
    ] as const) {
      const script = `for i in 1 2 3 4 5; do echo x > /dev/udp/${place}; done`;
      assert.equal(inside(pod, "bash", "-c", script).code, 0);
    }
    assert.equal(inside("b", "getent", "ahostsv4", "a").code, 0);
    isUp();
  });

  it("find that each subnet of a network has its gateway", () => {
    const addresses = inside("host", "ip", "-4", "-br", "address", "show", "two").out;
    assert.match(addresses, /10\.4\.0\.1\/24 10\.5\.0\.1\/24/);
  });

  it("find that settings reach pods without a network, and interfaces", () => {
    assert.equal(inside("bare", "cat", "/proc/sys/net/ipv4/ip_default_ttl").out, "32\n");
    assert.equal(inside("both", "cat", "/proc/sys/net/ipv4/conf/eth0/proxy_arp").out, "1\n");
  });

  it("find that files of one pod are not those of another, and that the host knows the names", () => {
    assert.equal(inside("a", "sh", "-c", "echo 10.9.9.9 evil >> /etc/hosts").code, 0);
    assert.equal(inside("b", "getent", "hosts", "evil").code, 2);
    assert.match(inside("host", "getent", "hosts", "a").out, /^10\.1\.0\.2/);
  });

  it("find that the echo server sends back all that it received", () => {
    const script = "exec 3<>/dev/tcp/10.1.0.2/99; (head -c 8000000 /dev/zero >&3 &); head -c 8000000 <&3 | wc -c";
    assert.equal(inside("b", "bash", "-c", script).out.trim(), "8000000");
  });

  it("do not end with a pod whose first process was killed", () => {
    const { pid } = who.json("inspect").pods.find(({ name }: { name: string }) => name === "b");
    run(["kill", "-9", String(pid)]);
    run(["timeout", "10", "tail", `--pid=${pid}`, "-f", "/dev/null"]);
    const pods = who.json("status").pods;
    assert.equal(pods.find(({ name }: { name: string }) => name === "b").alive, false);
    assert.match(who.lab("status").out, /^b .* dead$/m);
    const check = who.lab("check", "truth.yaml");
    assert.equal(check.code, 1);
    assert.match(check.out, /^b is dead: its first process has ended$/m);
    assert.match(who.lab("exec", "b", "--", "true").err, /b is dead: its first process has ended/);
    isUp();
  });
});
