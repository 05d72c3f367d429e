/** `host-local` and `static` called by name, as another plugin's IPAM: a lease, and the abbreviated result that tells it. */

import type { Call } from "../conf/call.ts";
import { sourcesOf } from "../conf/config/ipam.ts";
import type { Request } from "../conf/request.ts";
import { readResult } from "../conf/result/read.ts";
import type { Result } from "../conf/result/result.ts";
import { contains, networkOf, parseCidr } from "../ip/address.ts";
import { ipamFor } from "../ipam/index.ts";
import { openKernel } from "../kernel/kernel.ts";
import { openContainerNetns, openIfPresent } from "../kernel/namespace.ts";
import { hostNetworks } from "../kernel/routes.ts";
import { noNamespace } from "../store/namespace.ts";
import { closeNetns, type Netns } from "../sys/netns.ts";
import { newEntry } from "./add.ts";
import { retried } from "./liveness/reclaim.ts";
import { openOrCreate } from "./recovery/openStore.ts";
import { adoption } from "./takeover/leases.ts";

/** Neither interfaces nor the index of one: those are the caller's to tell. */
export async function addAsIpam(request: Request, call: Call): Promise<Result> {
  const { attachment, config } = request;
  using kernel = openKernel({ host: call.namespace, container: namespaceOf(request, call), stderr: call.stderr });
  const ipam = ipamFor(config.ipam.type);
  const store = openOrCreate({ dataDir: config.dataDir }, kernel);
  const entry = newEntry(request, kernel.netns ?? noNamespace);
  const context = {
    ...{ call, request, config: config.ipam, entry, store },
    hostNetworks: () => hostNetworks(kernel),
    adoption: () => adoption(kernel, config.bridge),
  };
  const acquire = () => ipam.acquire(context);
  const place = { network: attachment.network, store, kernel };
  const lease = await (async () => acquire())().catch((error) => retried(error, place, acquire));
  store.attached(attachment, {});
  return { interfaces: [], ips: lease.addresses, routes: lease.routes, ...(lease.dns && { dns: lease.dns }) };
}

/** Nothing is made in it, so it may be none: host-local's documentation has CNI_NETNS=/dev/null. Throws Fault (code.netns) for our own. */
function namespaceOf({ netns: path, mayBeOwnNetns }: Request, { namespace }: Call): Netns | undefined {
  const found = openIfPresent(path);
  if (found === undefined) return undefined;
  closeNetns(found);
  return openContainerNetns(path, mayBeOwnNetns, namespace);
}

export async function checkAsIpam(request: Request, call: Call): Promise<void> {
  const { config, attachment } = request;
  using kernel = openKernel({ host: call.namespace, stderr: call.stderr });
  using store = openOrCreate({ dataDir: config.dataDir }, kernel);
  const held = (store.find(attachment)?.addresses ?? []).map(({ address }) => address);
  const told = toldAddresses(request);
  const own = told.filter((address) => held.includes(address) || isOfSource(address, sourcesOf(config.ipam)));
  await ipamFor(config.ipam.type).check(request, config.ipam, store, told.length > 0 ? own : held, call);
}

/** An IPAM reads no more of its caller's configuration than it needs; here it needs the result. */
function toldAddresses({ raw, config }: Request): string[] {
  const { prevResult } = JSON.parse(raw.stdin) as { readonly prevResult?: unknown };
  return prevResult ? readResult(prevResult, config.cniVersion).ips.map(({ address }) => address) : [];
}

/** The caller's prevResult may tell of more addresses than this plugin's; those of its subnets it must have given. */
function isOfSource(address: string, sources: readonly string[]): boolean {
  return sources.some((source) => contains(networkOf(parseCidr(source)!), parseCidr(address)!));
}
