/** A store that a newer ns-net wrote, after this older one was installed again. */
import { StoreNewer } from "../../store/index.ts";

/**
 * What of an error DEL is to tell: a runtime would call it again for ever. Link and rules are found by their marks, and
 * no address is given again by an ns-net that cannot read which are free; the newer one frees what is gone.
 */
export function unlessNewer(error: Error): Error[] {
  if (!(error instanceof StoreNewer)) return [error];
  process.stderr.write(`ns-net: ${error.message}; what the attachment has in the kernel is removed, its entry stays\n`);
  return [];
}
