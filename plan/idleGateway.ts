/** A configured gateway that the bridge does not have. Loaded if there is one. */

import type { NetworkConfig } from "../conf/config/config.ts";
import { code, Fault, shown } from "../conf/fault.ts";
import { familyOf } from "../ip/address.ts";

/**
 * Throws Fault (code 2) for a gateway without effect: the bridge does not have it, and no route of the container uses it.
 * The reference's bridge only reports it in the result; type ns-net refuses it.
 */
export function refuseIdleGateway(gateways: readonly string[], { ipam }: NetworkConfig): void {
  const routes = "routes" in ipam ? ipam.routes : [];
  const idle = gateways.find((gateway) => {
    const isFor = (dst: string) => familyOf(dst) === familyOf(gateway);
    return !routes.some(({ dst, gw = gateway }) => gateways.includes(gw) && isFor(dst));
  });
  if (idle === undefined) return;
  throw new Fault(
    code.unsupportedField,
    `Cannot use gateway = ${shown(idle)}: the bridge does not have it, and no route uses it`,
    'Set isGateway or isDefaultGateway for the bridge to have it, name a route that goes by it such as {"dst": "0.0.0.0/0"}, or leave it out',
  );
}
