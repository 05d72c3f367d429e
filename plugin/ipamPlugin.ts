/** CHECK of `host-local` and `static` called by name, as another plugin's IPAM. Their ADD is ADD without steps. */

import type { Call } from "../conf/call.ts";
import { sourcesOf } from "../conf/config/ipam.ts";
import type { Request } from "../conf/request.ts";
import { readResult } from "../conf/result/read.ts";
import { contains, networkOf, parseCidr } from "../ip/address.ts";
import { ipamFor } from "../ipam/index.ts";
import { openKernel } from "../kernel/kernel.ts";
import { openOrCreate } from "./recovery/openStore.ts";

export async function checkAsIpam(request: Request, call: Call): Promise<void> {
  const { config, attachment } = request;
  using kernel = openKernel({ host: call.namespace, stderr: call.stderr });
  using store = openOrCreate({ dataDir: config.dataDir }, kernel);
  const held = (store.find(attachment)?.addresses ?? []).map(({ address }) => address);
  const told = toldAddresses(request);
  const own = told.filter((address) => held.includes(address) || isOfSource(address, sourcesOf(config.ipam)));
  await ipamFor(config.ipam.type).check(request, config.ipam, store, told.length > 0 ? own : held, call);
}

/** An IPAM reads only the needed parts of its caller's configuration: here the result. */
function toldAddresses({ raw, config }: Request): string[] {
  const { prevResult } = JSON.parse(raw.stdin) as { readonly prevResult?: unknown };
  return prevResult ? readResult(prevResult, config.cniVersion).ips.map(({ address }) => address) : [];
}

/** The caller's prevResult may contain addresses of other plugins. This one must have given those of its own subnets. */
function isOfSource(address: string, sources: readonly string[]): boolean {
  return sources.some((source) => contains(networkOf(parseCidr(source)!), parseCidr(address)!));
}
