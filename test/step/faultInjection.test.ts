/**
 * All or nothing: every request that an ADD makes to the kernel is refused in turn. After each: no link of ours, no
 * lease, and the first cause reported. Without refusals the next ADD succeeds. The bridge and the table are shared and
 * may stay.
 *
 * This runs in this process and not by the executable, because the kernel must refuse. So the process itself moves into
 * the namespace that plays the host, for the length of a synchronous call.
 */

import assert from "node:assert/strict";
import { parseRequest } from "../../conf/parse.ts";
import { type Ends, Kernel, type Where } from "../../kernel/kernel.ts";
import type { NetlinkSocket } from "../../netlink/socket.ts";
import { add } from "../../plugin/add.ts";
import { serve } from "../../plugin/serve.ts";
import { KernelError } from "../../sys/errors.ts";
import { closeNetns, openNetns } from "../../sys/netns.ts";
import { callOf } from "../support/call.ts";
import { needs } from "../support/needs.ts";
import { links, type Netns } from "../support/sandbox.ts";
import { dualStack, freshWorld, type World } from "../support/world.ts";

const EIO = 5;

/** The requests to a kernel by name. The request at `failAt` (from 0) is refused without being sent. */
class RefusingKernel extends Kernel {
  readonly asked: string[] = [];
  readonly #failAt: number;
  /** Requests like these are refused, too, once one was: the undo does not work. */
  readonly #also: RegExp | undefined;
  #refused = false;

  constructor(ends: Ends, failAt: number, also?: RegExp) {
    super(ends);
    this.#failAt = failAt;
    this.#also = also;
  }

  #ask(what: string): void {
    if (this.#refused && this.#also?.test(what)) throw new KernelError(what, EIO, "refused by the test, too");
    if (!this.#refused && this.asked.length === this.#failAt) {
      this.#refused = true;
      throw new KernelError(what, EIO, "refused by the test");
    }
    this.asked.push(what);
  }

  /** The socket, through which every request passes. */
  #watched(socket: NetlinkSocket): NetlinkSocket {
    const watched: Pick<NetlinkSocket, "request" | "lookUp" | "batch" | "dump"> = {
      request: (message) => {
        this.#ask(message.what);
        return socket.request(message);
      },
      lookUp: (message) => {
        this.#ask(message.what);
        return socket.lookUp(message);
      },
      batch: (messages, unacknowledged) => {
        this.#ask(messages.map(({ what }) => what).join(", "));
        return socket.batch(messages, unacknowledged);
      },
      dump: (message) => {
        this.#ask(message.what);
        return socket.dump(message);
      },
    };
    return watched as NetlinkSocket;
  }

  override route(where: Where): NetlinkSocket {
    return this.#watched(super.route(where));
  }

  override get netfilter(): NetlinkSocket {
    return this.#watched(super.netfilter);
  }

  override readSysctl(where: Where, path: string): string | undefined {
    this.#ask(`read sysctl ${path}`);
    return super.readSysctl(where, path);
  }

  override writeSysctl(where: Where, path: string, value: string): void {
    this.#ask(`set sysctl ${path}`);
    super.writeSysctl(where, path, value);
  }
}

interface Outcome {
  readonly error: Error | undefined;
  readonly asked: readonly string[];
  /** On standard error. */
  readonly said: string;
}

const environmentOf = (netns: string, container: string) => ({
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: container,
  CNI_NETNS: netns,
  CNI_IFNAME: "eth0",
  CNI_PATH: "/nowhere",
});

const bytesOf = (config: object) => new TextEncoder().encode(JSON.stringify(config));

async function addRefusing(
  world: World,
  netns: string,
  config: object,
  failAt: number,
  also?: RegExp,
): Promise<Outcome> {
  const request = parseRequest(environmentOf(netns, "c1"), bytesOf(config));
  const host = openNetns(world.host.path);
  let kernel: RefusingKernel | undefined;
  let said = "";
  const stderr = (text: string | Uint8Array) => {
    said += text;
  };
  const openKernel = () => {
    kernel = new RefusingKernel({ host, container: openNetns(netns) }, failAt, also);
    return kernel;
  };
  try {
    await add(request, callOf({ namespace: host, stderr }), { openKernel });
    return { error: undefined, asked: kernel!.asked, said };
  } catch (error) {
    return { error: error as Error, asked: kernel?.asked ?? [], said };
  } finally {
    closeNetns(host);
  }
}

/** ADD that must succeed, in this process as well: there are a thousand of them, and each process takes 50 ms. */
const mustAdd = async (world: World, { path }: Netns, config: object, container = "c1") =>
  JSON.parse(await mustServe(world, environmentOf(path, container), config));

const mustDel = (world: World, { path }: Netns, config: object) =>
  mustServe(world, { ...environmentOf(path, "c1"), CNI_COMMAND: "DEL" }, config);

async function mustServe(world: World, env: Record<string, string>, config: object): Promise<string> {
  const namespace = openNetns(world.host.path);
  const call = callOf({ namespace, env, stdin: bytesOf(config) });
  try {
    let answer = "";
    const exitCode = await serve(call, (text) => {
      answer += text;
    });
    assert.equal(exitCode, 0, answer);
    return answer;
  } finally {
    closeNetns(namespace);
  }
}

/** Elements of nf_tables with an owner. */
const marked = (world: World) => world.host.nft("list", "ruleset").match(/comment "nsv[^"]*"/g) ?? [];

/** The links, leases and elements, which a refused ADD must not change. */
function stateOf(world: World, isWholeHost: boolean) {
  const names = [...links(world.host).keys()].sort();
  // The bridge is shared and may stay; where none is created, no link may.
  const ours = isWholeHost ? names : names.filter((name) => name.startsWith("nsv"));
  return { links: ours, leases: world.leases(), marked: marked(world) };
}

/** More requests than any ADD makes: reaching it is an error. */
const requestsMax = 100;

describe("An ADD that the kernel refuses half-way", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat", "macvlan", "tap");
  });

  const configurations: Record<string, (world: World) => object> = {
    "of IPv4": (world) => world.network(),
    "of both families with masquerade": (world) => world.network({ ipMasq: true, ipam: dualStack }),
    "without addresses": (world) => world.network({ ipam: {}, isDefaultGateway: false }),
    "with routes, a hardware address and an isolated port": (world) =>
      world.network({
        portIsolation: true,
        runtimeConfig: { mac: "c2:11:22:33:44:55" },
        ipam: { ...dualStack, routes: [{ dst: "10.50.0.0/16", mtu: 1300 }, { dst: "fd99::/48" }] },
      }),
    "with a policy and a spoof check": (world) => world.network({ ingressPolicy: "same-bridge", macspoofchk: true }),
  };

  const alone: typeof configurations = {
    "with a published port whose callers are masqueraded, with conditions, and a policy": (world) =>
      world.network({
        ...{
          conditionsV4: ["!", "-s", "192.0.2.0/24"],
          ipMasq: true,
          masqAll: true,
          ingressPolicy: "isolated",
          macspoofchk: true,
        },
        runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "udp" }] },
      }),
  };

  /**
   * Tried beside another container, too. They share the bridge, the rules of masquerading, and the sets of a policy and
   * of a spoof check; the other configurations would ask for the same requests again.
   */
  const shared = new Set(["of both families with masquerade", "with a policy and a spoof check"]);

  const onHost = (world: World, more: object) => {
    if (!links(world.host).has("up0"))
      world.host.run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "far0");
    return { cniVersion: "1.1.0", name: "podnet", dataDir: world.dataDir, ipam: dualStack, ...more };
  };
  const inside: typeof configurations = {
    "of a macvlan": (world) => onHost(world, { type: "macvlan", master: "up0" }),
    "of a device that is lent": (world) => onHost(world, { type: "host-device", device: "up0" }),
    "of a tap": (world) => onHost(world, { type: "tap" }),
  };

  for (const [title, configure] of Object.entries({ ...configurations, ...alone, ...inside })) {
    for (const [state, isWarm] of [
      ["the first on the host", false],
      ["beside another container", true],
    ] as const) {
      if (isWarm && !shared.has(title)) continue;
      it(`${title}, ${state}, leaves nothing for any refused request`, async () => {
        const refusals: string[] = [];
        /** The same in each world: nothing in it is random. */
        let before: ReturnType<typeof stateOf> | undefined;
        for (let failAt = 0; failAt < requestsMax; failAt++) {
          using world = freshWorld();
          const netns = world.netns();
          const config = configure(world);
          if (isWarm) await mustAdd(world, world.netns(), config, "other");
          before ??= stateOf(world, title in inside);
          const { error, asked } = await addRefusing(world, netns.path, config, failAt);
          if (error === undefined) {
            assert.equal(asked.length, failAt, "a request was refused, and ADD took no notice");
            assert.ok(refusals.length > 5, "hardly anything was refused");
            return;
          }
          refusals.push(error.message);
          const where = `request ${failAt}: ${error.message}`;
          assert.match(error.message, /refused by the test/, "not the first cause");
          assert.deepEqual(stateOf(world, title in inside), before, where);
          assert.deepEqual([...links(netns).keys()], ["lo"], where);
          const { ips } = await mustAdd(world, netns, config);
          assert.equal(links(netns).has("eth0"), true, where);
          assert.ok(ips === undefined || ips.length > 0);
        }
        assert.fail(`still refused at request ${requestsMax}`);
      });
    }
  }

  it("keeps the lease while the kernel refuses the undo, too, and the next DEL leaves nothing", async () => {
    let kept = 0;
    for (let failAt = 0; failAt < requestsMax; failAt++) {
      using world = freshWorld();
      const netns = world.netns();
      const config = world.network({ ipMasq: true });
      const { error, said } = await addRefusing(world, netns.path, config, failAt, /^delete link/);
      if (error === undefined) {
        assert.ok(kept > 0, "no undo was refused");
        return;
      }
      const where = `request ${failAt}: ${error.message}`;
      assert.match(error.message, /refused by the test(?!, too)/, where);
      const isLeft = [...links(world.host).keys()].some((name) => name.startsWith("nsv"));
      assert.equal(world.leases().length, isLeft ? 1 : 0, where);
      assert.match(said, isLeft ? /^ns-net: not all of it could be undone: .*refused by the test, too/ : /^$/, where);
      if (!isLeft) continue;
      kept++;
      await mustDel(world, netns, config);
      assert.deepEqual(
        [stateOf(world, false), [...links(netns).keys()]],
        [{ links: [], leases: [], marked: [] }, ["lo"]],
      );
    }
    assert.fail(`still refused at request ${requestsMax}`);
  });

  it("keeps the lease of an earlier ADD while rules with its address are left", async () => {
    const leftWithLease: string[] = [];
    for (let failAt = 0; failAt < requestsMax; failAt++) {
      using world = freshWorld();
      const netns = world.netns();
      const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
      const config = world.network({ runtimeConfig: { portMappings } });
      await mustAdd(world, netns, config);
      const lease = world.leases();
      world.host.run("ip", "link", "del", [...links(world.host).keys()].find((name) => name.startsWith("nsv"))!);
      const { error } = await addRefusing(world, netns.path, config, failAt);
      if (error === undefined) {
        assert.ok(leftWithLease.length > 0, "the removal of the rules was never refused");
        return;
      }
      if (marked(world).length === 0) continue;
      assert.deepEqual(world.leases(), lease, `request ${failAt}: ${error.message}`);
      leftWithLease.push(error.message);
    }
    assert.fail(`still refused at request ${requestsMax}`);
  });
});
