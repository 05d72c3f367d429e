/** The agent puts back what other programs remove from the host. The witnesses are nft, ip, tc, sysctl and ping. */
import assert from "node:assert/strict";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { lab } from "../cli/place.ts";
import { type Daemon, until } from "../support/daemon.ts";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { links } from "../support/sandbox.ts";
import { type InstalledPlace, installedPlace } from "./installed.ts";

const published = (hostPort: number) => ({
  ...{ ...lab, ipMasq: true, ipam: { type: "ns-net", ranges: [[{ subnet: "10.20.0.0/24" }]] } },
  runtimeConfig: { portMappings: [{ hostPort, containerPort: 80, protocol: "tcp" }] },
});

describe("An agent heals", function () {
  this.timeout(60_000);
  let machine: InstalledPlace;
  let agent: Daemon;

  beforeEach(async function () {
    needs(this, "ns-net", "ns-net-launcher", "bridge", "nft nat", "curl");
    machine = installedPlace();
    agent = await machine.agent();
    for (const container of ["1", "2"])
      assert.equal(machine.call("ADD", container, published(8000 + Number(container))).code, 0);
  });
  afterEach(async () => {
    await agent?.end();
    machine?.[Symbol.dispose]();
  });

  const host = () => machine.place.host;
  /** Without counters and handles. nft lists the chains and sets of a table in the order of their creation, which means nothing. */
  const ruleset = () => {
    const parts = host()
      .nft("-s", "list", "ruleset")
      .split(/^(?=\t(?:chain|set|map) )/m);
    return parts
      .map((part) => part.replace(/\n}\n*$/, "").trimEnd())
      .toSorted()
      .join("\n");
  };
  const told = () =>
    readFileSync(machine.log, "utf8")
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line));
  const healed = (kind: string) => told().filter((one) => one.what === "healed" && one.kind === kind);

  it("rules that were flushed, and says by which program", async () => {
    const before = ruleset();
    assert.match(before, /8001/);
    host().nft("flush", "ruleset");
    await until("the rules are back", () => ruleset() === before);
    await until("it is said", () => healed("ports").length > 0);
    const [one] = healed("ports");
    assert.deepEqual([one.count, one.by.replace(/\d+/, "N")], [2, "nft (process N)"]);
  });

  it("one element, one chain, and the table", async () => {
    const before = ruleset();
    for (const removal of [
      "delete element inet ns_net ports4 { tcp . 8002 }",
      "flush chain inet ns_net ports",
      "delete table inet ns_net",
    ]) {
      const times = healed("ports").length;
      host().nft(removal);
      await until(`"${removal}" is noticed`, () => healed("ports").length > times);
      assert.equal(ruleset(), before);
    }
  });

  it("a bridge that was deleted, with its address and its ports", async () => {
    host().run("ip", "link", "del", lab.bridge);
    await until("the pod reaches its gateway again", () => {
      machine.pod.run("ping", "-c", "1", "-W", "1", "-I", "eth1", "10.20.0.1");
      return true;
    });
    // The first port is there before the second.
    await until("both are ports again", () => JSON.parse(host().run("bridge", "-j", "link")).length === 2);
  });

  it("a bridge that is down, a gateway's address, forwarding", async () => {
    host().run("ip", "link", "set", lab.bridge, "down");
    await until("the bridge is up", () => links(host()).get(lab.bridge).flags.includes("UP"));
    host().run("ip", "address", "flush", "dev", lab.bridge);
    await until("the address is back", () =>
      links(host())
        .get(lab.bridge)
        .addr_info.some(({ local }: { local: string }) => local === "10.20.0.1"),
    );
    host().run("sysctl", "-qw", "net.ipv4.ip_forward=0");
    await until("the host forwards", () => host().sysctl("net/ipv4/ip_forward") === "1");
  });

  it("a port that was taken out of the bridge", async () => {
    const [port] = JSON.parse(host().run("bridge", "-j", "link"));
    host().run("ip", "link", "set", port.ifname, "nomaster");
    await until("it is in the bridge", () => links(host()).get(port.ifname).master === lab.bridge);
  });

  it("the guard of 127.0.0.1", async () => {
    const [port] = JSON.parse(host().run("bridge", "-j", "link"));
    const filters = () => host().run("tc", "filter", "show", "dev", port.ifname, "ingress");
    const before = filters();
    assert.match(before, /mirred/);
    host().run("tc", "filter", "del", "dev", port.ifname, "ingress");
    await until("the filter is back", () => filters().includes("mirred"));
  });

  it("nothing in a container, where a later plugin may have changed it", async () => {
    const pod = machine.pod;
    pod.run("ip", "link", "set", "eth1", "mtu", "1400", "address", "02:00:00:00:00:99");
    await agent.end();
    agent = await machine.agent(); // which compares everything
    host().run("ip", "link", "del", lab.bridge);
    await until("the bridge has its ports", () => JSON.parse(host().run("bridge", "-j", "link")).length === 2);
    const { mtu, address } = links(pod).get("eth1");
    assert.deepEqual([mtu, address], [1400, "02:00:00:00:00:99"]);
  });

  it("what is missing when it starts", async () => {
    const before = ruleset();
    await agent.end();
    host().nft("flush", "ruleset");
    agent = await machine.agent();
    await until("the rules are back", () => ruleset() === before);
  });

  it("less and less often what another program removes again and again", async () => {
    const before = ruleset();
    let flushes = 0;
    await until(
      "it says that it waits",
      () => {
        if (ruleset() === before) {
          host().nft("flush", "ruleset");
          flushes++;
        }
        return told().some((one) => one.what === "contested" && one.delayMs >= 2000);
      },
      20_000,
    );
    assert.ok(flushes <= 8, `${flushes} flushes`);
    const [first] = told().filter((one) => one.what === "contested");
    assert.match(first.by, /^nft /);
    await until("the rules are back at last", () => ruleset() === before, 20_000);
  });

  it("all, after the kernel could not report every event", async () => {
    const before = ruleset();
    process.kill(agent.pid, "SIGSTOP");
    try {
      host().run("ip", "link", "add", "x0", "type", "bridge");
      const changes = Array.from({ length: 30_000 }, (_, i) => `link set dev x0 mtu ${1400 + (i % 2)}`).join("\n");
      host().run("ip", "-batch", machine.place.file("changes", changes));
      host().nft("flush", "ruleset");
    } finally {
      process.kill(agent.pid, "SIGCONT");
    }
    await until("the rules are back", () => ruleset() === before);
    await until("it is said", () =>
      told().some(({ what, because }) => what === "trouble" && /could not deliver/.test(because)),
    );
  });

  it("nothing that the executable itself removes under the name of a chained plugin", async () => {
    const executable = join(machine.binDir, "portmap");
    symlinkSync(nsNet, executable);
    const { runtimeConfig: _, ...plain } = published(0);
    const { json: prevResult } = machine.call("ADD", "3", plain);
    const chained = { ...published(8003), type: "portmap", prevResult };
    for (let round = 0; round < 10; round++) {
      for (const verb of ["ADD", "DEL"]) {
        const { code, json } = machine.call(verb, "3", chained, executable);
        assert.equal(code, 0, JSON.stringify(json));
      }
    }
    host().nft("delete element inet ns_net ports4 { tcp . 8001 }");
    await until("the agent has seen all of it", () => healed("ports").length > 0);
    assert.deepEqual(
      healed("ports").map(({ by }) => by.replace(/\d+/, "N")),
      ["nft (process N)"],
    );
  });

  it("and leaves no rule of an attachment that leaves at the same moment", async () => {
    for (let round = 0; round < 8; round++) {
      const flush = Bun.spawn(host().inside(["nft", "flush", "ruleset"]));
      assert.equal(machine.call("DEL", "2", published(8002)).code, 0);
      await flush.exited;
      await until("port 8001 is published", () => ruleset().includes("8001"), 20_000);
      assert.doesNotMatch(ruleset(), /8002/);
      assert.equal(machine.call("ADD", "2", published(8002)).code, 0);
    }
  });
});
