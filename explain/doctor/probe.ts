/** Tries what the kernel can do. */
import { closeSync, openSync } from "node:fs";
import { parseCidr } from "../../ip/address.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { anonymousNetns } from "../../kernel/newNamespace.ts";
import { hook, newChain, priority } from "../../netlink/nft/chain.ts";
import { family } from "../../netlink/nft/message.ts";
import { newTable } from "../../netlink/nft/table.ts";
import { bridge } from "../../netlink/route/kind/bridge.ts";
import { ipvlan, ipvlanMode } from "../../netlink/route/kind/ipvlan.ts";
import { macvlan, macvlanMode } from "../../netlink/route/kind/macvlan.ts";
import { veth } from "../../netlink/route/kind/veth.ts";
import { vlan } from "../../netlink/route/kind/vlan.ts";
import { vrf } from "../../netlink/route/kind/vrf.ts";
import { createLink } from "../../netlink/route/link.ts";
import { addIngress, redirectAll, replaceBucket } from "../../netlink/route/qdisc.ts";
import { rulesOf } from "../../step/nft/masqueradeRules.ts";
import { closeNetns } from "../../sys/netns.ts";

type Probe = (kernel: Kernel) => void;

const link = (kernel: Kernel, name: string, kind: string, data?: Uint8Array, lower?: string): void => {
  const peerIndex = lower === undefined ? undefined : kernel.indexOf("host", lower);
  kernel.request("host", createLink({ name, peerIndex, info: { kind, data } }));
};

const probes = {
  veth: (kernel) => link(kernel, "probe0", "veth", veth.put({ peer: { name: "probe1" } })),
  bridge: (kernel) => link(kernel, "probe2", "bridge"),
  "nf_tables nat": (kernel) => kernel.batch(rulesOf("probe", "probe", [parseCidr("192.0.2.0/24")!])),
  "nf_tables bridge"(kernel) {
    const table = { family: family.bridge, name: "probe" };
    const base = { type: "filter", hook: hook.prerouting, priority: priority.raw } as const;
    kernel.batch([newTable(table), newChain(table, "probe", base)]);
  },
  "bridge VLAN filtering": (kernel) => link(kernel, "probe3", "bridge", bridge.put({ vlanFiltering: 1 })),
  macvlan: (kernel) => link(kernel, "probe4", "macvlan", macvlan.put({ mode: macvlanMode.bridge }), "probe0"),
  // A link may have macvlans or ipvlans, not both.
  ipvlan: (kernel) => link(kernel, "probe5", "ipvlan", ipvlan.put({ mode: ipvlanMode.l2 }), "probe1"),
  vlan: (kernel) => link(kernel, "probe6", "vlan", vlan.put({ id: 5 }), "probe0"),
  vrf: (kernel) => link(kernel, "probe7", "vrf", vrf.put({ table: 10 })),
  dummy: (kernel) => link(kernel, "probe8", "dummy"),
  tap: () => closeSync(openSync("/dev/net/tun", "r+")),
  "tbf and ifb"(kernel) {
    link(kernel, "probe9", "ifb");
    const [from, to] = [kernel.indexOf("host", "probe0"), kernel.indexOf("host", "probe9")];
    kernel.request("host", replaceBucket({ index: to, text: "probe9", bytesPerSecond: 125_000, burstBytes: 10_000 }));
    kernel.request("host", addIngress(from, "probe0"));
    kernel.request("host", redirectAll(from, to, "probe0"));
  },
} satisfies Record<string, Probe>;

export type Feature = keyof typeof probes;
export const features = Object.keys(probes) as readonly Feature[];

/** The features that the kernel refuses, each with its reason. Throws KernelError EPERM without the right to make a namespace. */
export function missingFeatures(): ReadonlyMap<Feature, string> {
  const host = anonymousNetns();
  try {
    using kernel = openKernel({ host });
    const missing = new Map<Feature, string>();
    for (const feature of features) {
      try {
        probes[feature](kernel);
      } catch (error) {
        missing.set(feature, (error as Error).message);
      }
    }
    return missing;
  } finally {
    closeNetns(host);
  }
}
