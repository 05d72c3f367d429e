/**
 * Hints on standard error about a host on which the attachment will not work. Only for the ADD that creates a network's
 * bridge and for calls by hand: other ADDs do not pay for it.
 */
import { familyOf } from "../../ip/address.ts";
import { givenBy } from "../../step/index.ts";
import defer * as forwardPolicy from "../diagnose/forwardPolicy.ts";
import defer * as overlappingRoutes from "../diagnose/overlappingRoutes.ts";
import type { Asked } from "./asked.ts";
import type { Prepared } from "./memory.ts";

export function hintAtObstacles({ kernel }: Asked, { plan, leased }: Prepared): void {
  const { through, steps, result } = plan;
  if (through === undefined) return;
  const { addresses } = leased.lease;
  try {
    if (steps.some((step) => givenBy(step).address?.where === "host"))
      overlappingRoutes.hintAtOverlaps(through, addresses, kernel);
  } catch {
    return; // a hint must not fail what it is about
  }
  if (!result.routes.some(({ gw }) => gw !== undefined)) return;
  const hasIpv6 = addresses.some(({ address }) => familyOf(address) === 6);
  forwardPolicy.hintAtBlockers(through, hasIpv6, kernel);
}
