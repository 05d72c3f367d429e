/**
 * `lab script`: the printed script is run, and the tests of its lab file are made by other programs: ping, and socat for
 * servers and callers.
 */
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatAddress } from "../../ip/address.ts";
import type { Destination, TestEntry } from "../../lab/file/labFile.ts";
import { sourceOf } from "../../lab/file/readLabFile.ts";
import type { Lab } from "../../lab/model/lab.ts";
import { labOf } from "../../lab/model/resolve.ts";
import { NamesOfLab, netOwnerOf } from "../../lab/plan/names.ts";
import { findProgram } from "../../scripts/setup/tools.mjs";
import { needs } from "../support/needs.ts";
import { netnsNames, run } from "../support/sandbox.ts";
import { machine, needsLabs, type Person, person } from "./person.ts";

/** Between them: isolation and an internal network, published ports, routers, links, impairments, both families, hosts. */
const files = ["isolation.yaml", "lossy-link.yaml", "three-hosts.yaml"];

describe("lab script", function () {
  this.timeout(120_000);
  before(function () {
    needsLabs(this, "root");
    needs(this, "socat", "tbf");
  });

  for (const file of files) {
    it(`of ${file} makes a network that is as the tests of the file say, and nothing stays of it`, async () => {
      using who = person("root");
      const [before, names] = [machine(), netnsNames()];
      const lab = labOf(sourceOf(join(who.folder, file)));
      const script = printed(who, file);
      assert.equal(runShell(script).code, 0);
      try {
        assert.equal(machine(), before);
        await serve(lab, who.folder);
        const results = await Promise.all(lab.tests.map(async (test) => [textOf(test), await isAsExpected(test, lab)]));
        assert.ok(results.length > 2);
        assert.deepEqual(
          results.filter(([, isMet]) => !isMet),
          [],
        );
        const again = runShell(script);
        assert.equal(again.code, 1);
        assert.match(again.err, /the namespace \S+ exists: is the lab up already\?/);
        assert.ok(netnsNames().length > names.length);
      } finally {
        // The servers of this test are still running.
        assert.equal(runShell(printed(who, file, "--down")).code, 0);
      }
      assert.equal(machine(), before);
      assert.deepEqual(netnsNames(), names);
      assert.equal(runShell(printed(who, file, "--down")).code, 0);
    });
  }

  it("makes the same rules as lab up", () => {
    using who = person("root");
    who.file(
      "ruled.yaml",
      `networks:
  a: { subnets: [10.1.0.0/24, "fd01::/64"], config: { macspoofchk: true } }
  b: { subnets: ["fd02::/64"], isolate: pods }
  c: { subnets: [10.3.0.0/24], internal: true }
pods:
  x: { networks: [a, b], publish: ["8080:80", "5353:53/udp"] }
  y: { networks: [a, c], publish: ["127.0.0.1:81:80"] }
impair: [{ at: y, loss: 20% }]
`,
    );
    const rules = () =>
      ["host", "x", "y"].map((name) => run(["ip", "netns", "exec", `ruled-${name}`, "nft", "list", "ruleset"]));
    assert.equal(runShell(printed(who, "ruled.yaml")).code, 0);
    const byScript = rules();
    assert.equal(runShell(printed(who, "ruled.yaml", "--down")).code, 0);
    using _ = who.up("ruled.yaml");
    assert.deepEqual(byScript.map(sorted), rules().map(sorted));
    assert.ok(byScript[0]!.split("\n").length > 100);
  });

  it("links pods whose names ip takes for words of its own", () => {
    using who = person("root");
    const names = ["m", "dev", "type", "up", "link", "dynamic", "a"];
    const links = names.map((name, i) => [`x 10.1.${i}.1/30`, `${name} 10.1.${i}.2/30`]);
    const pods = Object.fromEntries([...names, "x"].map((name) => [name, {}]));
    who.file("words.yaml", JSON.stringify({ pods, links: [...links, ["m 10.2.0.1/30", "dev 10.2.0.2/30"]] }));
    const { code, err } = runShell(printed(who, "words.yaml"));
    assert.equal(code, 0, err);
    try {
      for (const [i] of names.entries()) run(["ip", "netns", "exec", "words-x", "ping", "-c1", "-W1", `10.1.${i}.2`]);
    } finally {
      assert.equal(runShell(printed(who, "words.yaml", "--down")).code, 0);
    }
  });

  it("leaves nothing if a command fails, and refuses a namespace that exists", () => {
    using who = person("root");
    const names = netnsNames();
    const script = printed(who, "two-pods.yaml").replace("\ntrap - EXIT\n", "\nip link set dev none up\n");
    const { code, err } = runShell(script);
    assert.notEqual(code, 0);
    assert.match(err, /Cannot find device "none"/);
    assert.deepEqual(netnsNames(), names);
  });

  it("does not remove a lab that ns-net has up, whose namespaces have the same names", () => {
    using who = person("root");
    using _ = who.up("two-pods.yaml");
    const { code, err } = runShell(printed(who, "two-pods.yaml", "--down"));
    assert.equal(code, 1);
    assert.match(err, /ns-net has the lab two-pods up: end it by ns-net lab down --lab two-pods/);
    assert.equal(who.json("test").failed, 0);
  });

  it("needs no right to be printed, and no program", () => {
    using who = person("an ordinary user");
    who.file(
      "delayed.yaml",
      "pods: { a: {}, b: {} }\nlinks: [[a 10.0.0.1/30, b 10.0.0.2/30]]\nimpair: [{ at: a@b, delay: 20ms }]\n",
    );
    const { code, out, err } = who.lab("script", "delayed.yaml");
    assert.equal(code, 0, err);
    assert.match(out, /^tc qdisc replace dev b root netem delay 20ms/m); // whatever this kernel has
    assert.equal(who.lab("script", "missing.yaml").code, 1);
  });

  it("prints commands of pods as comments, whatever they contain", () => {
    using who = person("root");
    const made = join(who.folder, "made");
    const run = `echo 'it''s'; touch ${made}\ntouch ${made}\nEND\n$(touch ${made})`;
    const pod = { networks: "net", run, env: { A: `x'\ntouch ${made}` } };
    who.file("odd.yaml", JSON.stringify({ networks: { net: "10.1.0.0/24" }, pods: { a: pod }, outside: "none" }));
    try {
      const { code, err } = runShell(printed(who, "odd.yaml"));
      assert.equal(code, 0, err);
      assert.ok(!existsSync(made));
    } finally {
      runShell(printed(who, "odd.yaml", "--down"));
    }
  });
});

/** Chains are listed in the order in which they were made. */
const sorted = (rules: string) => rules.split("\n").sort();

function printed(who: Person, file: string, ...options: string[]): string {
  const { code, out, err } = who.lab("script", file, ...options);
  assert.equal(code, 0, err);
  return out;
}

function runShell(script: string): { readonly code: number; readonly err: string } {
  const { exitCode, stderr } = Bun.spawnSync(["sh", "-eu"], { stdin: Buffer.from(script), timeout: 60_000 });
  return { code: exitCode, err: stderr.toString() };
}

const socat = () => findProgram("socat")!;

/** The servers of the file, by socat. They run until the script of `--down` ends them. */
async function serve(lab: Lab, folder: string): Promise<void> {
  const pages = join(folder, "page.sh");
  writeFileSync(pages, `read line; printf 'HTTP/1.0 200 OK\\r\\n\\r\\n%s' "$1"\n`);
  const outside = lab.outside ? [{ namespace: "outside", name: "outside", serve: [{ kind: "http", port: 80 }] }] : [];
  const pods = lab.pods.map((pod) => ({ namespace: netOwnerOf(pod, lab).name, name: pod.name, serve: pod.serve }));
  for (const { namespace, name, serve } of [...pods, ...outside]) {
    for (const { kind, port } of serve) {
      const listen = `${kind === "udp" ? "UDP6-RECVFROM" : "TCP6-LISTEN"}:${port},fork,reuseaddr,ipv6only=0`;
      const page = `EXEC:sh ${pages} ${name}`;
      start(lab, namespace, [socat(), listen, kind === "http" ? page : kind === "udp" ? "EXEC:cat" : "PIPE"]);
    }
    const filter = kindsOf(serve);
    const listening = () => output(lab, namespace, ["ss", "-Hln", ...filter]).then((text) => text.trim().split("\n"));
    while (serve.length > 0 && (await listening()).length < serve.length) await Bun.sleep(20);
  }
}

const kindsOf = (serve: readonly { readonly kind: string }[]) =>
  serve.some(({ kind }) => kind === "udp") ? ["-t", "-u"] : ["-t"];

const within = (lab: Lab, name: string, words: readonly string[]) => [
  ...["ip", "netns", "exec", `${lab.name}-${name}`],
  ...words,
];

function start(lab: Lab, name: string, words: readonly string[]) {
  return Bun.spawn(within(lab, name, words), { stdin: null, stdout: "ignore", stderr: "ignore" });
}

/** The standard output of a program in a namespace; empty if it fails. */
async function output(lab: Lab, name: string, words: readonly string[], input = ""): Promise<string> {
  const child = Bun.spawn(within(lab, name, words), { stdin: Buffer.from(input), stdout: "pipe", stderr: "ignore" });
  const text = await new Response(child.stdout).text();
  return (await child.exited) === 0 ? text : "";
}

const textOf = ({ from, to, expected }: TestEntry) => JSON.stringify({ from: from.value, to: to.value, expected });

/** Tries again until it is reached, as the tests of a lab do; what must not be reached gets one attempt. */
async function isAsExpected({ from, to, expected, withinMs, mtu }: TestEntry, lab: Lab): Promise<boolean> {
  const pod = lab.pods.find(({ name }) => name === from.value);
  const namespace = pod ? netOwnerOf(pod, lab).name : from.value;
  const address = new NamesOfLab(lab).addressOf(to.value.name, from.value);
  const host = address ? formatAddress(address) : to.value.name;
  const endMs = performance.now() + withinMs + 3000; // a busy machine
  for (;;) {
    const isReached = await reached(lab, namespace, to.value, host, mtu, expected);
    if (expected === "unreachable") return !isReached;
    if (isReached || performance.now() > endMs) return isReached;
  }
}

async function reached(
  lab: Lab,
  from: string,
  to: Destination,
  host: string,
  mtu: number | undefined,
  expected: TestEntry["expected"],
): Promise<boolean> {
  if (to.kind === "ping") {
    const size = mtu ? ["-M", "do", "-s", String(mtu - 28)] : [];
    return (await output(lab, from, ["ping", "-q", "-c", "1", "-W", "1", ...size, host])) !== "";
  }
  const place = `${host.includes(":") ? `[${host}]` : host}:${to.port}`;
  if (to.kind === "udp") return (await output(lab, from, [socat(), "-T1", "-", `UDP:${place}`], "hello")) === "hello";
  const request = to.kind === "http" ? `GET ${to.path} HTTP/1.0\r\n\r\n` : "hello";
  const answer = await output(lab, from, [socat(), "-t5", "-", `TCP:${place},connect-timeout=2`], request);
  if (to.kind === "http") return answer.startsWith("HTTP/1.0 200");
  return typeof expected === "object" ? answer.includes(expected.body) : answer !== "";
}
