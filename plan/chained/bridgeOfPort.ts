/**
 * `bridge` and `ns-net` after a plugin that left an interface on the host, such as a virtual machine's tap: that interface
 * becomes the port instead of a veth (CONVENTIONS.md of the specification, "chaining"). The other plugin gives the
 * addresses.
 */
import { attachmentText } from "../../conf/attachment.ts";
import type { NetworkConfig } from "../../conf/config/config.ts";
import { badConfig, code, Fault } from "../../conf/fault.ts";
import type { Result } from "../../conf/result/result.ts";
import type { ChainedInput, ChainedType } from "../chain.ts";
import { masqueradeSteps } from "../container.ts";
import type { HostPortFacts } from "../facts.ts";
import { bridgeParts, portSteps } from "../interface/bridge.ts";

export const hostPort: ChainedType<HostPortFacts> = {
  plan(input) {
    const { attachment, config, prev, netns } = input;
    refuseWhatNeedsOurs(config);
    const port = portOf(input);
    const facts = input.facts.bridge;
    const lease = { addresses: prev.ips, routes: [], made: false };
    const own = { attachment, netns, config, lease, facts };
    const parts = bridgeParts(own, false);
    const joins = { kind: "member", where: "host", link: port, master: config.bridge } as const;
    const steps = [...parts.steps, ...masqueradeSteps(own), ...portSteps(own, parts, { link: port, joins })];
    const { bridge: name } = config;
    const known = prev.interfaces.some((one) => one.name === name && !one.sandbox);
    const interfaces = known ? prev.interfaces : [...prev.interfaces, { name, mac: parts.mac }];
    return { steps, result: { ...prev, interfaces } };
  },
};

/** True if prevResult has an interface on the host. */
export function hasHostInterface({ interfaces }: Result): boolean {
  return interfaces.some(({ sandbox }) => !sandbox);
}

function refuseWhatNeedsOurs({ ipam, macspoofchk, features }: NetworkConfig): void {
  const isNone = ipam.type === "none" || (ipam.type === "ns-net" && ipam.rangeSets.length === 0);
  const mustBe = "left out: the interface, and what belongs to it, are another plugin's";
  if (!isNone) throw badConfig("ipam", { type: ipam.type }, mustBe);
  if (macspoofchk) throw badConfig("macspoofchk", true, mustBe);
  if (features?.portMappings.length || features?.bandwidth || features?.ingressPolicy)
    throw badConfig(
      "runtimeConfig",
      "ports, limits or a policy",
      `${mustBe}; name portmap, bandwidth or firewall after this`,
    );
}

/** The interface of the host that becomes the port. Throws Fault if there is none, or if it is another bridge's port. */
function portOf({ attachment, config, facts: { offered, found } }: ChainedInput<HostPortFacts>): string {
  if (found === undefined)
    throw badConfig("prevResult.interfaces", offered, "a list with an interface of this host that is no bridge");
  const { name, master } = found;
  if (!master || master === config.bridge) return name;
  throw new Fault(
    code.config,
    `Cannot attach ${attachmentText(attachment)} to bridge ${config.bridge}: ${name} is a port of ${master}`,
    `Name ${master} as the bridge, or take the interface out: ip link set ${name} nomaster`,
  );
}
