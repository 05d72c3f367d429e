/** The plugin's plan of an interface of a lab, without a kernel: a lab begins with empty namespaces, so everything is known. Pure. */
import { parseRequest } from "../../conf/parse.ts";
import type { Request } from "../../conf/request.ts";
import { bridgeGroup } from "../../kernel/ownership.ts";
import type { BridgeFacts } from "../../plan/facts.ts";
import type { Plan } from "../../plan/plan.ts";
import { plan } from "../../plan/planner.ts";
import type { Lab } from "../model/lab.ts";
import type { Attaching } from "../plan/configuration.ts";

const mtuDefault = 1500;
/** Bridges have it before VLANs change it. */
const defaultVlan = 1;

/** The plan of ADD for this interface. Throws Fault for a configuration that ADD refuses. */
export function planned(attaching: Attaching, netns: string, lab: Lab): Plan {
  const { attachment, config } = requestOf(attaching, netns);
  const { ipam } = config;
  if (ipam.type !== "static") throw new Error("A lab gives each address");
  const bridge = bridgeFacts(attaching, config, lab);
  const vlan =
    config.vlan || config.vlanTrunk.length > 0
      ? {
          gatewayLink: config.isGateway && config.vlan ? `${config.bridge}.${config.vlan}` : undefined,
          ...{ defaultVlan, unready: [] },
        }
      : undefined;
  return plan({
    ...{ attachment, netns, config, prev: { interfaces: [], ips: [], routes: [] } },
    lease: { addresses: ipam.addresses, routes: ipam.routes, made: true },
    facts: { bridge, vlan, interfaceMtu: config.mtu ?? uplinkMtuOf(attaching, lab), isIfnameTaken: false },
  });
}

function requestOf({ pod, ifname, configuration }: Attaching, netns: string): Request {
  const env = {
    ...{ CNI_COMMAND: "ADD", CNI_CONTAINERID: pod, CNI_NETNS: netns, CNI_IFNAME: ifname, CNI_PATH: "/nowhere" },
  };
  return parseRequest(env, new TextEncoder().encode(JSON.stringify(configuration)));
}

/** The interface of the host's default route. */
function uplinkMtuOf({ host }: Attaching, { hosts, outside }: Lab): number {
  return outside ? (hosts.find(({ name }) => name === host)?.mtu ?? mtuDefault) : mtuDefault;
}

/** The bridge as ns-net makes it. A published port is a reason to close all of its ports to 127.0.0.0/8 at once. */
function bridgeFacts(attaching: Attaching, config: Request["config"], lab: Lab): BridgeFacts {
  const isPublishing = lab.pods.some(
    ({ host, publish, interfaces }) =>
      host === attaching.host && publish.length > 0 && interfaces.some(({ network }) => network === config.name),
  );
  return {
    ...{ kind: "bridge", mac: undefined, mtu: config.mtu ?? mtuDefault, group: bridgeGroup(config.name) },
    ...{ acceptsRa: true, isShared: false, letsLoopbackThrough: isPublishing, mayFilter: true, addresses: [] },
  };
}
