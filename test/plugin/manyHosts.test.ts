/**
 * One process that serves calls of several hosts at the same time, as a daemon does. Witnesses: `ip`, `nft` and ping in
 * each host's namespace.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Call } from "../../conf/call.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { eventGroup, waitForEvent } from "../../netlink/route/events.ts";
import { getLink, linkFlag } from "../../netlink/route/link.ts";
import { serve } from "../../plugin/serve.ts";
import { removeRules } from "../../reference/iptables.ts";
import { masqueradeChain } from "../../reference/names.ts";
import { closeNetns, type Netns as OpenNetns, openNetns } from "../../sys/netns.ts";
import { callOf } from "../support/call.ts";
import { needs } from "../support/needs.ts";
import { links, type Netns, run } from "../support/sandbox.ts";
import { freshWorld, ourLinks, ranges, type World } from "../support/world.ts";

const hostsCount = 4;
const containersPerHost = 25;

interface Host extends Disposable {
  readonly world: World;
  readonly namespace: OpenNetns;
  readonly config: object;
  readonly pods: readonly Netns[];
  /** Folder with a delegate that writes down in which network namespace it runs. */
  readonly pluginPath: string;
}

function freshHost(number: number): Host {
  const world = freshWorld();
  const folder = dirname(world.dataDir);
  const answer = `{"ips":[{"address":"10.7.0.'$((2 + ${"$"}{CNI_CONTAINERID#c}))'/24","gateway":"10.7.0.1"}]}`;
  const script = `#!/bin/sh\nstat -Lc %i /proc/self/ns/net >> ${folder}/ran\n[ "$CNI_COMMAND" = ADD ] && echo '${answer}'\nexit 0\n`;
  writeFileSync(join(folder, "delegated"), script, { mode: 0o755 });
  writeFileSync(join(folder, "ran"), "");
  // The last host asks a program for addresses: a call of it waits in the middle of its work while others go on.
  const ipam = number === hostsCount - 1 ? { type: "delegated" } : ranges("10.7.0.0/24");
  return {
    world,
    namespace: openNetns(world.host.path),
    config: world.network({ ipMasq: true, ipam }),
    pods: Array.from({ length: containersPerHost }, () => world.netns()),
    pluginPath: folder,
    [Symbol.dispose]() {
      closeNetns(this.namespace);
      world[Symbol.dispose]();
    },
  };
}

/** A call about the container of that number; answers what it wrote. */
async function ask(verb: "ADD" | "DEL", { namespace, config, pods, pluginPath }: Host, number: number) {
  const ports = [{ hostPort: 8000 + number, containerPort: 80, protocol: "tcp" }];
  const call: Call = callOf({
    namespace,
    env: {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: `c${number}`,
      CNI_NETNS: pods[number]!.path,
      CNI_IFNAME: "eth0",
      CNI_PATH: pluginPath,
    },
    stdin: new TextEncoder().encode(JSON.stringify({ ...config, runtimeConfig: { portMappings: ports } })),
  });
  let answer = "";
  const exitCode = await serve(call, (text) => {
    answer += text;
  });
  assert.equal(exitCode, 0, `${verb} of c${number}: ${answer}`);
  return answer === "" ? undefined : JSON.parse(answer);
}

const publishes = ({ world }: Host, port: number) => world.host.nft("list", "ruleset").includes(`${port}`);

describe("One process that serves several hosts", function () {
  this.timeout(120_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
  });

  it(`does ${hostsCount * containersPerHost} ADDs and DELs of ${hostsCount} hosts at once, each on its own host`, async () => {
    using stack = new DisposableStack();
    const hosts = Array.from({ length: hostsCount }, (_, number) => stack.use(freshHost(number)));
    const own = run(["ip", "-o", "link"]);
    const on = (numbers: readonly number[], verb: "ADD" | "DEL") =>
      // Host by host within each number, so that calls of different hosts alternate.
      numbers.flatMap((number) => hosts.map((host) => ask(verb, host, number)));
    const all = [...Array(containersPerHost).keys()];
    const [first, second] = [all.slice(0, 12), all.slice(12)];

    const results = await Promise.all(on(first, "ADD"));
    assert.equal(
      new Set(results.map(({ ips }) => ips[0].address)).size,
      first.length,
      "the hosts have the same addresses",
    );
    await Promise.all([...on(second, "ADD"), ...on(first, "DEL")]);

    for (const host of hosts) {
      const { world, pods } = host;
      assert.deepEqual(
        world
          .rows()
          .map(({ container }) => container)
          .sort(),
        second.map((number) => `c${number}`).sort(),
      );
      assert.equal(ourLinks(world.host).length, second.length);
      assert.equal(world.host.sysctl("net/ipv4/ip_forward"), "1");
      assert.deepEqual(
        first.flatMap((number) => [...links(pods[number]!).keys()]),
        first.map(() => "lo"),
      );
      const [one, other] = [pods[second[0]!]!, pods[second[1]!]!];
      const [{ addr_info: addresses }] = other.ip("address", "show", "dev", "eth0");
      const address = addresses.find(({ family }: { family: string }) => family === "inet").local;
      assert.match(one.run("ping", "-c1", "-W2", address), / 1 received/);
      assert.match(world.host.run("ping", "-c1", "-W2", address), / 1 received/);
    }

    await Promise.all(on(second, "DEL"));
    for (const { world } of hosts) assert.deepEqual([world.rows(), ourLinks(world.host)], [[], []]);
    assert.deepEqual(run(["ip", "-o", "link"]), own, "the process's own namespace has not changed");
    const { world, pluginPath } = hosts.at(-1)!;
    const ran = new Set(readFileSync(join(pluginPath, "ran"), "utf8").trim().split("\n"));
    assert.deepEqual([...ran], [world.host.run("stat", "-Lc", "%i", "/proc/self/ns/net").trim()]);
  });

  it("publishes a port on the host that was asked, and there alone", async () => {
    using stack = new DisposableStack();
    const [asked, other] = [stack.use(freshHost(0)), stack.use(freshHost(1))];
    await ask("ADD", asked, 1);
    assert.deepEqual([publishes(asked, 8001), publishes(other, 8001)], [true, false]);
    assert.equal(existsSync(other.world.dataDir), false);
    await ask("DEL", asked, 1);
    assert.equal(publishes(asked, 8001), false);
  });

  it("hears events of the host that is asked", () => {
    using stack = new DisposableStack();
    const { world, namespace } = stack.use(freshHost(0));
    world.host.ip("link", "add", "late0", "type", "bridge");
    using kernel = openKernel({ host: namespace });
    const isUp = () => ((getLink(kernel.route("host"), "late0")?.flags ?? 0) & linkFlag.up) !== 0;
    const waitMs = 10_000;
    const startMs = performance.now();
    // Another process, for the wait blocks this one; until its interpreter has started, the link is down.
    const change = Bun.spawn(world.host.inside(["ip", "link", "set", "late0", "up"]));
    assert.equal(waitForEvent(eventGroup.link, isUp, waitMs, kernel.openEventSocket("host")), true);
    assert.ok(performance.now() - startMs < waitMs / 2, "it waited for its time to run out");
    change.kill();
  });

  it("removes rules of the reference on the host that is asked, and there alone", function () {
    needs(this, "iptables");
    using stack = new DisposableStack();
    const hosts = [stack.use(freshHost(0)), stack.use(freshHost(1))];
    const attachment = { network: "podnet", container: "c1", ifname: "eth0" };
    const chain = masqueradeChain(attachment);
    const rulesOf = ({ world }: Host) => world.host.run("iptables-save", "-t", "nat").includes(chain);
    for (const { world } of hosts) {
      world.host.run("iptables", "-t", "nat", "-N", chain);
      world.host.run("iptables", "-t", "nat", "-A", "POSTROUTING", "-s", "10.7.0.2", "-j", chain);
    }
    using kernel = openKernel({ host: hosts[0]!.namespace });
    removeRules({ attachment, addresses: ["10.7.0.2"], parts: ["masquerade"] }, kernel);
    assert.deepEqual(hosts.map(rulesOf), [false, true]);
  });
});
