/**
 * A planted fault: the path is healthy, the fault is planted, traffic stops, `explain` names it, its cure is applied, and
 * traffic flows again.
 */
import assert from "node:assert/strict";
import type { Answer } from "../../../explain/path/answer.ts";
import type { CauseCode } from "../../../explain/path/cause.ts";
import type { Scene } from "./scene.ts";

export interface Fault {
  readonly name: string;
  readonly code: CauseCode;
  /** Shell lines in the host's namespace. */
  readonly plant: string;
  /** Letters of the scene; `A` to `B` if absent. */
  readonly from?: string;
  readonly to?: string;
  /** `80`, `53/udp`; absent: a ping. */
  readonly port?: string;
  readonly isIpv6?: boolean;
  /** `host`, or a letter. */
  readonly where?: string;
  /** Lines after the cure, for what it does not restore; or instead of a cure that no command is. */
  readonly undo?: string;
  /** No command repairs it: the cure is empty. */
  readonly hasNoCure?: boolean;
  readonly says?: RegExp;
  /** A small ping may pass all the same. */
  readonly isSilent?: boolean;
}

const word = (scene: Scene, letter: string) => scene.variables[letter] ?? letter;

/** The question of a fault. */
export type Asked = Pick<Fault, "from" | "to" | "port" | "isIpv6">;

export function explainFault(scene: Scene, { from = "A", to = "B", port, isIpv6 = false }: Asked): Answer {
  const target = word(scene, to);
  return scene.explain(word(scene, from), port === undefined ? target : `${bracketed(target)}:${port}`, isIpv6);
}

const bracketed = (text: string) => (text.includes("::") ? `[${text}]` : text);

/** True if a ping, or a connection, succeeds. */
export function flows(scene: Scene, { from = "A", to = "B", port, isIpv6 = false }: Asked, seconds: number): boolean {
  const version = isIpv6 ? 6 : 4;
  const address = scene.variables[`${to}${version}`] ?? special(to, version) ?? to;
  const command =
    port === undefined
      ? ["ping", `-${version}`, "-c1", `-W${seconds}`, address]
      : ["timeout", String(seconds), "bash", "-c", `exec 3<>"/dev/tcp/${address}/${port}"`];
  return (
    Bun.spawnSync(scene.netns(from).inside(command), { stdin: "ignore", stdout: "ignore", stderr: "ignore" })
      .exitCode === 0
  );
}

function special(to: string, version: 4 | 6): string | undefined {
  if (to === "host") return version === 4 ? "10.20.0.1" : "fd20::1";
  return to === "outside" ? (version === 4 ? "192.0.2.2" : "2001:db8:9::2") : undefined;
}

/** Entries that failed meanwhile would make the next packets wait. */
const forget = "for one in $A $B $C; do ip -n $one neigh flush all; done; ip neigh flush all";

/** A cure repairs the path, and not always what else the fault took away. */
const restore = ["A 20", "B 20", "C 21"]
  .map((words) => {
    const [letter, net] = words.split(" ");
    return `nsenter --net=/run/netns/$${letter} sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0
      ip -n $${letter} -force -batch - >/dev/null 2>&1 <<. || true
link set eth0 up
address del $${letter}4/8 dev eth0
address del $${letter}4/32 dev eth0
address replace $${letter}4/24 dev eth0
address replace $${letter}6/64 dev eth0 nodad
route replace default via 10.${net}.0.1
route del default via fd${net}::99 dev eth0
route add default via fd${net}::1 dev eth0
.`;
  })
  .concat(`ip -force -batch - >/dev/null 2>&1 <<. || true
link set lab0 up
link set lab1 up
link set $HA master lab0 up
link set $HB master lab0 up
link set $HC master lab1 up
address replace 10.20.0.1/24 dev lab0
address replace 10.21.0.1/24 dev lab1
address replace fd20::1/64 dev lab0 nodad
address replace fd21::1/64 dev lab1 nodad
.`)
  .join("\n");

const blockedSeconds = 0.3;
const flowsSeconds = 3;

/** Runs the whole life of a fault. */
export function liveThrough(scene: Scene, fault: Fault): void {
  const before = explainFault(scene, fault);
  assert.equal(before.verdict, "reachable", `before: ${shown(before)}`);
  scene.shell(fault.plant);
  try {
    scene.shell(forget);
    const found = explainFault(scene, fault);
    assert.equal(found.verdict, "blocked", shown(found));
    assert.equal(found.cause?.code, fault.code, shown(found));
    if (fault.where !== undefined) {
      const where = fault.where === "host" ? "host" : `namespace ${scene.variables[fault.where]}`;
      assert.equal(found.cause.where, where, shown(found));
    }
    if (fault.says) assert.match(found.cause.what, fault.says);
    assert.ok(
      fault.isSilent || !flows(scene, fault, blockedSeconds),
      `traffic flows, but explain says ${shown(found)}`,
    );
    if (fault.hasNoCure) assert.equal(found.cause.cure, "", shown(found));
    else {
      assert.notEqual(found.cause.cure, "", shown(found));
      scene.shell(withData(scene, found.cause.cure));
    }
    if (fault.undo) scene.shell(fault.undo);
    scene.shell(forget);
    const after = explainFault(scene, fault);
    assert.equal(after.verdict, "reachable", `after the cure ${found.cause.cure}: ${shown(after)}`);
    assert.ok(flows(scene, fault, flowsSeconds), `traffic does not flow after the cure ${found.cause.cure}`);
  } catch (error) {
    // The next fault of the file needs a healthy path.
    scene.shell(`${fault.undo ?? "true"} || true`);
    throw error;
  } finally {
    scene.shell(restore);
  }
}

/** The store of the scene is not where ns-net looks by itself. */
const withData = ({ place }: Scene, cure: string) =>
  cure.replace(/ns-net (repair|gc|add|del)/g, `ns-net $1 --data-dir ${place.dataDir}`);

export function shown({ verdict, cause, hops }: Answer): string {
  const last = hops.slice(-3).map(({ where, what, says, verdict: one }) => `${where} ${what} ${one}: ${says}`);
  return `${verdict} ${JSON.stringify(cause)}\n${last.join("\n")}`;
}

/** A test for each fault, on one scene. */
export function testFaults(scene: () => Scene, faults: readonly Fault[]): void {
  for (const fault of faults) {
    const { code, name, isIpv6 } = fault;
    it(`${code}: ${name}${isIpv6 ? " (IPv6)" : ""}`, () => liveThrough(scene(), fault));
  }
}

/** The same fault for both versions of IP; `plant` and `undo` of the second are those with `-6`. */
export function both(fault: Fault, ofIpv6: Partial<Fault>): Fault[] {
  return [fault, { ...fault, ...ofIpv6, isIpv6: true }];
}
