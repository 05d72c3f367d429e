/** DEL with a store that a newer ns-net wrote, before this older one was installed again. */
import type { Kernel } from "../../kernel/kernel.ts";
import { StoreNewer } from "../../store/index.ts";

/**
 * Answers the error, or nothing if the store is newer: a runtime would repeat DEL for ever. DEL finds link and rules by
 * their marks. This version gives no address, because it cannot read which are free; the newer one frees the lease.
 */
export function unlessNewer(error: Error, kernel: Kernel): Error[] {
  if (!(error instanceof StoreNewer)) return [error];
  kernel.stderr(`ns-net: ${error.message}; what the attachment has in the kernel is removed, its entry stays\n`);
  return [];
}
