/** STATUS: can an ADD be served now? */
import type { StatusRequest } from "../conf/request.ts";
import { ipamFor } from "../ipam/index.ts";
import { openStore } from "../ipam/store.ts";
import { hostNetworks } from "./facts.ts";
import { Kernel } from "./kernel.ts";
import { rebuild } from "./rebuild.ts";

/** Throws Fault (code.unavailable) when it cannot. */
export async function status(request: StatusRequest): Promise<void> {
  const kernel = new Kernel();
  try {
    using store = openStore(request.config.dataDir, undefined, (draft) => rebuild(draft, kernel));
    await ipamFor(request.config.ipam.type).status(request, request.config.ipam, store, () => hostNetworks(kernel));
  } finally {
    kernel.close();
  }
}
