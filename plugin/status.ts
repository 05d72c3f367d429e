/** STATUS: can an ADD be served now? */

import type { Call } from "../conf/call.ts";
import { givesIpv6 } from "../conf/config/bridge.ts";
import type { NetworkConfig } from "../conf/config/config.ts";
import { code, Fault } from "../conf/fault.ts";
import type { StatusRequest } from "../conf/request.ts";
import { ipamFor } from "../ipam/index.ts";
import { type Kernel, openKernel } from "../kernel/kernel.ts";
import { anyHostLink } from "../kernel/linkNames.ts";
import { hostNetworks } from "../kernel/routes.ts";
import { bridgeKind } from "../netlink/route/kind/bridge.ts";
import defer * as lowerLink from "./attach/facts/lowerLink.ts";
import { hintAtBlockers } from "./diagnose/forwardPolicy.ts";
import { noBridge } from "./preflight/impossible.ts";
import { openOrCreate } from "./recovery/openStore.ts";

/** A fault that would refuse ADD means here that no ADD can be served. */
function unlessUnavailable<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw error.withCode(code.unavailable);
  }
}

function requireBridge({ type, bridge, link }: NetworkConfig, kernel: Kernel): void {
  if (type === "ptp" || link) return;
  const found = kernel.link("host", bridge);
  if (found && found.info?.kind !== bridgeKind) throw noBridge(bridge, found.info?.kind);
}

/** Throws Fault (code.unavailable) when it cannot. */
export async function status(request: StatusRequest, call: Call): Promise<void> {
  using kernel = openKernel({ host: call.namespace, stderr: call.stderr });
  using store = unlessUnavailable(() => {
    requireBridge(request.config, kernel);
    const { dataDir, name: network } = request.config;
    const opened = openOrCreate({ dataDir, network }, kernel);
    opened.requireWritable();
    return opened;
  });
  if (request.config.link) {
    lowerLink.refuseUnready(request.config, kernel);
  }
  const networks = () => hostNetworks(kernel);
  await ipamFor(request.config.ipam.type).status(request, request.config.ipam, store, networks, call);
  const { type, bridge, isGateway, ipam } = request.config;
  // Not an error: ADD is served, and the plugin that opens the way may come after this one.
  if (type === "ptp" || isGateway) hintAtBlockers(type === "ptp" ? anyHostLink : bridge, givesIpv6(ipam), kernel);
}
