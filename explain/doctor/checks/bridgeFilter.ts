/** br_netfilter hands what containers of one bridge send each other to the rules for forwarded packets. */
import { addressBytes } from "../../../ip/bytes.ts";
import { nftTable } from "../../../kernel/ownership.ts";
import { bridgeRead } from "../../../netlink/route/kind/bridgeRead.ts";
import { openingWithin } from "../../../plugin/diagnose/forwardPolicy.ts";
import type { SiteLink } from "../../path/site/site.ts";
import { deviceOf } from "../../path/site/surroundings.ts";
import { placeText } from "../../rules/words.ts";
import { type Check, type Finding, ok, warn } from "../finding.ts";
import { dropOf } from "../passing.ts";
import { routedNetworks } from "../routed.ts";

const ipOf = (family: 4 | 6) => (family === 6 ? "ip6" : "ip");

export const bridgeFilter: Check = {
  id: "bridge-nf-call",
  run(patient) {
    const { host } = patient;
    let isOn = false;
    const found = routedNetworks(patient).flatMap(({ network, link, subnets }): Finding[] => {
      if (link === undefined || network.bridge === undefined) return [];
      const [one = link, other = link] = host.links.filter(({ master }) => master === link.index);
      return subnets.flatMap(({ family, value }): Finding[] => {
        const off = offCommand(link, family, host.number(`net/bridge/bridge-nf-call-${ipOf(family)}tables`));
        if (off === undefined) return [];
        isOn = true;
        const [source, destination] = [2n, 3n].map((host) => addressBytes({ family, value: value + host }));
        const bridge = deviceOf(link);
        const drop = dropOf(host, {
          ...{ source: source!, destination: destination!, input: bridge, output: bridge },
          ...{ ports: { input: deviceOf(one), output: deviceOf(other) }, hasLinks: true },
        });
        if (drop === undefined || drop.by.table === nftTable) return [];
        const says = `containers of ${network.name} do not reach each other: br_netfilter hands their packets to ${placeText(drop.by)}, which drops them`;
        const { family: number, table: name, chain } = drop.by;
        // Other programs need br_netfilter: kube-proxy, for services whose pods are in one bridge.
        return [warn(says, drop.isForward ? openingWithin({ family: number, name }, chain, link.name) : off)];
      });
    });
    if (found.length > 0) return found;
    return [
      ok(
        isOn
          ? "br_netfilter is on, and no rule drops what containers of one bridge send each other"
          : "br_netfilter hands no packets of bridges to rules",
      ),
    ];
  },
};

/** The command that turns it off; undefined if it is off. The bridge's own setting counts beside the namespace's. */
function offCommand(bridge: SiteLink, family: 4 | 6, setting: number): string | undefined {
  const { callIptables, callIp6tables } = bridgeRead.get(bridge.info?.data ?? new Uint8Array(0));
  const isOwn = (family === 4 ? callIptables : callIp6tables) === 1;
  const parts = [
    ...(setting === 1 ? [`sysctl -w net.bridge.bridge-nf-call-${ipOf(family)}tables=0`] : []),
    ...(isOwn ? [`ip link set ${bridge.name} type bridge nf_call_${ipOf(family)}tables 0`] : []),
  ];
  return parts.length > 0 ? parts.join(" && ") : undefined;
}
