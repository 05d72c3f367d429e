/** STATUS: can an ADD be served now? */

import { givesIpv6 } from "../conf/bridge.ts";
import type { StatusRequest } from "../conf/request.ts";
import { ipamFor } from "../ipam/index.ts";
import { openStore } from "../ipam/store.ts";
import { hostNetworks } from "./facts.ts";
import { tellBlockers } from "./forwardPolicy.ts";
import { Kernel } from "./kernel.ts";
import { anyHostLink } from "./names.ts";
import { rebuild } from "./rebuild.ts";

/** Throws Fault (code.unavailable) when it cannot. */
export async function status(request: StatusRequest): Promise<void> {
  const kernel = new Kernel();
  try {
    using store = openStore(request.config.dataDir, undefined, (draft) => rebuild(draft, kernel));
    if (request.config.link) {
      (require("./below.ts") as typeof import("./below.ts")).refuseUnready(request.config, kernel);
    }
    await ipamFor(request.config.ipam.type).status(request, request.config.ipam, store, () => hostNetworks(kernel));
    const { type, bridge, isGateway, ipam } = request.config;
    // Not an error: ADD is served, and the plugin that opens the way may come after this one.
    if (type === "ptp" || isGateway) tellBlockers(type === "ptp" ? anyHostLink : bridge, givesIpv6(ipam), kernel);
  } finally {
    kernel.close();
  }
}
