/**
 * A host with two networks of ns-net and an outside, for planted faults:
 *
 *   A, B ── lab0 ─┐
 *                 host ── up0 ── outside (192.0.2.2, 2001:db8:9::2), the default route
 *   C ───── lab1 ─┘
 *
 * Shell lines run in the host's namespace and see the names as variables: $A $B $C, their host ends $HA $HB $HC, their
 * addresses $A4 $A6 …, and `in_a ip …`, `in_b …`, `in_c …` for commands inside.
 */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { askedIn } from "../../../cli/explain/asked.ts";
import { Machine } from "../../../cli/explain/machine.ts";
import { partyOf } from "../../../cli/explain/party.ts";
import { type Answer, answer } from "../../../explain/path/answer.ts";
import { versionOf } from "../../../explain/path/world.ts";
import { closeNetns, inNetns, openNetns } from "../../../sys/netns.ts";
import { freshPlace, namedNetns, type Place } from "../../cli/place.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable, freshNetns, type Netns } from "../../support/sandbox.ts";

export interface Scene extends Disposable {
  readonly place: Place;
  readonly variables: Readonly<Record<string, string>>;
  /** Runs lines of shell; throws with their output if one fails. */
  shell(lines: string): string;
  explain(from: string, to: string, isIpv6?: boolean): Answer;
  /** A place by its letter: `A`, `B`, `C`, `outside`. */
  netns(letter: string): Netns;
}

const network = (name: string, bridge: string, subnet4: string, subnet6: string, change: object) => ({
  ...{ cniVersion: "1.1.0", name, type: "ns-net", bridge, isDefaultGateway: true, ipMasq: true },
  ipam: { type: "ns-net", ranges: [[{ subnet: subnet4 }], [{ subnet: subnet6 }]] },
  ...change,
});

export interface Shape {
  /** Keys of the network lab0. */
  readonly network?: object;
  /** Keys of the network lab1. */
  readonly second?: object;
  /** Ports of B on the host. */
  readonly publish?: readonly string[];
  /** The link up0 is a macvlan on the cable to the outside: explain does not follow it, as no network card. */
  readonly isOutsideUnseen?: boolean;
}

export function openScene(shape: Shape = {}): Scene {
  const { network: change = {}, second = {}, publish = [], isOutsideUnseen = false } = shape;
  const place = freshPlace();
  const outside = freshNetns("outside");
  const { host } = place;
  host.run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0");
  bridgeRules(host, 0);
  const hostCidrs = ["192.0.2.1/24", "2001:db8:9::1/64"];
  cable(isOutsideUnseen ? { ns: host, ifname: "wire0", cidrs: [] } : { ns: host, ifname: "up0", cidrs: hostCidrs }, {
    ns: outside,
    ifname: "eth0",
    cidrs: ["192.0.2.2/24", "2001:db8:9::2/64"],
  });
  if (isOutsideUnseen) {
    host.run("ip", "link", "add", "up0", "link", "wire0", "type", "macvlan", "mode", "bridge");
    for (const cidr of hostCidrs)
      host.run("ip", "address", "add", cidr, "dev", "up0", ...(cidr.includes(":") ? ["nodad"] : []));
    host.run("ip", "link", "set", "up0", "up");
  }
  host.run("ip", "route", "add", "default", "via", "192.0.2.2");
  host.run("ip", "-6", "route", "add", "default", "via", "2001:db8:9::2");
  const files = [
    place.file("lab0.json", JSON.stringify(network("lab", "lab0", "10.20.0.0/24", "fd20::/64", change))),
    place.file("lab1.json", JSON.stringify(network("labtwo", "lab1", "10.21.0.0/24", "fd21::/64", second))),
  ];
  const variables: Record<string, string> = {};
  for (const [letter, file] of [
    ["A", files[0]!],
    ["B", files[0]!],
    ["C", files[1]!],
  ] as const) {
    const name = place.name(letter.toLowerCase());
    const ports = letter === "B" ? publish.flatMap((one) => ["--publish", one]) : [];
    place.must("add", name, "--network", file, ...ports);
    const ns = namedNetns(name);
    const [link] = ns.ip("address", "show", "dev", "eth0");
    const ofFamily = (family: string) =>
      link.addr_info.find((one: { family: string; scope: string }) => one.family === family && one.scope === "global")
        .local;
    Object.assign(variables, { [letter]: name, [`${letter}4`]: ofFamily("inet"), [`${letter}6`]: ofFamily("inet6") });
    variables[`H${letter}`] = host.ip("link").find(({ ifindex }) => ifindex === link.link_index).ifname;
    variables[`M${letter}`] = link.address;
  }
  const prelude = ["A", "B", "C"]
    .map((letter) => `in_${letter.toLowerCase()}() { nsenter --net=/run/netns/${variables[letter]} "$@"; }`)
    .join("\n");
  const env = { ...process.env, ...variables, PATH: `${dirname(nsNet)}:${process.env["PATH"]}` };
  const shell = (lines: string) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync(host.inside(["sh", "-ec", `${prelude}\n${lines}`]), {
      env,
      cwd: place.folder,
    });
    if (exitCode !== 0) throw new Error(`${lines}: ${stderr}${stdout}`);
    return stdout.toString();
  };
  return {
    place,
    variables,
    shell,
    explain: (from, to, isIpv6 = false) => explainIn(place, from, to, isIpv6),
    netns: (letter) => (letter === "outside" ? outside : letter === "host" ? host : namedNetns(variables[letter]!)),
    [Symbol.dispose]() {
      outside[Symbol.dispose]();
      place[Symbol.dispose]();
    },
  };
}

/** br_netfilter is on in a new namespace. */
export function bridgeRules(ns: Netns, value: 0 | 1): void {
  ns.run(
    "sysctl",
    "-qw",
    `net.bridge.bridge-nf-call-iptables=${value}`,
    `net.bridge.bridge-nf-call-ip6tables=${value}`,
  );
}

function explainIn(place: Place, from: string, to: string, isIpv6: boolean): Answer {
  const host = openNetns(place.host.path);
  try {
    let found: Answer | undefined;
    inNetns<void>(host, () => {
      using machine = new Machine(place.dataDir);
      const { place: words, port, protocol } = askedIn(to);
      const [sender, receiver] = [partyOf(from, machine, "sender"), partyOf(words, machine, "receiver")];
      const version = isIpv6 ? 6 : versionOf(machine, sender, receiver);
      found = answer(machine, { from: sender, to: receiver, version, port, protocol });
    });
    assert.ok(found);
    return found;
  } finally {
    closeNetns(host);
  }
}
