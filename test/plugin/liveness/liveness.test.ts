/** The decision whether an attachment is alive, for each combination of evidence. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Evidence } from "../../../plugin/liveness/evidence.ts";
import { type Liveness, livenessOf } from "../../../plugin/liveness/liveness.ts";
import type { Entry } from "../../../store/entry.ts";
import { bootId, thisProcess } from "../../../store/index.ts";

/** A pid that no process can have: above the kernel's highest limit, 2^22. */
const impossiblePid = 1 << 23;

const entry: Entry = {
  attachment: { network: "net", container: "c1", ifname: "eth0" },
  ...{ netnsPath: "/run/netns/c1", netnsDevice: 4n, netnsInode: 4_026_532_000n, netnsCookie: 7n },
  ...thisProcess(),
  ...{ bridge: "br0", hostLink: "nsv0123456789ab", ipamType: "ns-net", state: "attached", createdMs: 0 },
  addresses: [{ address: "10.7.0.2/24" }],
};

const veth: Entry = { ...entry, steps: [{ kind: "veth" }] };
const macvlan: Entry = { ...entry, bridge: "", steps: [{ kind: "containerLink" }] };

/** In clock ticks since boot, as proc(5) counts them: such a claim counts for two minutes. */
function now(): bigint {
  return BigInt(Math.floor(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 100));
}

interface Seen {
  readonly link?: true;
  readonly namespace?: "interface" | "namespace";
  readonly address?: true;
}

const evidenceOf = ({ link, namespace, address }: Seen): Evidence => ({
  hasHostLink: () => link === true,
  inNamespace: () => namespace,
  hasAddress: () => address === true,
});

const cases: readonly [what: string, of: Entry, seen: Seen, is: Liveness["is"]][] = [
  ["a veth whose host end is there", veth, { link: true }, "alive"],
  ["a veth whose other end alone is there", veth, { namespace: "interface" }, "unknown"],
  ["a veth without ends, in a namespace that exists", veth, { namespace: "namespace" }, "gone"],
  ["a veth without ends, whose address another namespace has", veth, { address: true }, "gone"],
  ["a veth of which nothing is there", veth, {}, "gone"],
  ["a macvlan in its namespace", macvlan, { namespace: "interface" }, "alive"],
  ["a macvlan that is not in its namespace", macvlan, { namespace: "namespace" }, "unknown"],
  ["a macvlan whose namespace is not found, and whose address another one has", macvlan, { address: true }, "unknown"],
  ["a macvlan of which nothing is there", macvlan, {}, "gone"],
  ["a lease of an IPAM by its name, for a namespace that exists", entry, { namespace: "namespace" }, "unknown"],
  ["a lease of an IPAM by its name, for a namespace that is gone", entry, {}, "gone"],
  ["a lease without a namespace", { ...entry, netnsInode: 0n }, {}, "unknown"],
  ["an entry of an earlier boot", { ...veth, bootId: "earlier" }, {}, "dead"],
  [
    "an entry of an earlier boot, whose namespace has the number of one of today",
    { ...macvlan, bootId: "earlier" },
    { namespace: "namespace" },
    "dead",
  ],
  [
    "an ADD that was killed, whatever it left",
    { ...veth, state: "adding", pid: impossiblePid },
    { link: true },
    "dead",
  ],
  ["a DEL that was killed", { ...veth, state: "deleting", pid: impossiblePid }, { link: true }, "dead"],
  [
    "an ADD at work in another PID namespace",
    { ...veth, state: "adding", pidNamespace: 1n, pidStart: now() },
    {},
    "unknown",
  ],
];

describe("Liveness", () => {
  for (const [what, of, seen, is] of cases) {
    it(`of ${what}: ${is}`, () => {
      const found = livenessOf(of, evidenceOf(seen));
      assert.equal(found.is, is, found.because);
    });
  }

  it("reads no namespaces if a claim or the host's link decides", () => {
    const asked: string[] = [];
    const noting: Evidence = {
      hasHostLink: () => true,
      inNamespace() {
        asked.push("namespace");
        return undefined;
      },
      hasAddress: () => asked.push("address") > 0,
    };
    for (const one of [veth, macvlan, { ...veth, bootId: bootId() }]) livenessOf(one, noting);
    assert.deepEqual(asked, []);
  });
});
