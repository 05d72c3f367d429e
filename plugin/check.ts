/** CHECK: the same plan, compared with the kernel and the store. It looks only at what ADD made, so that what a later plugin of the chain changed is no false alarm. */
import { attachmentText } from "../conf/attachment.ts";
import { code, Fault } from "../conf/fault.ts";
import type { NetworkConfig } from "../conf/network.ts";
import type { Request } from "../conf/request.ts";
import type { Result } from "../conf/result.ts";
import { ipamFor } from "../ipam/index.ts";
import type { Lease } from "../ipam/ipam.ts";
import { openStore } from "../ipam/store.ts";
import { closeNetns } from "../netlink/netns.ts";
import { readFacts } from "./facts.ts";
import { throwTogether } from "./failure.ts";
import { Kernel } from "./kernel.ts";
import { openContainerNetns } from "./namespace.ts";
import { plan } from "./plan.ts";
import { checkStep } from "./step/index.ts";
import type { Difference } from "./step/step.ts";

/** Throws Fault listing every difference, expected and found. */
export async function check(request: Request): Promise<void> {
  const { attachment, config } = request;
  const { prevResult } = config;
  if (!prevResult) {
    throw new Fault(
      code.config,
      "Cannot CHECK without prevResult",
      "prevResult must be the result of ADD; a runtime gives it by itself",
    );
  }
  const netns = openContainerNetns(request.netns, request.mayBeOwnNetns);
  const kernel = new Kernel(netns);
  const errors: Error[] = [];
  try {
    const lease = leaseOf(prevResult, attachment.ifname);
    const facts = readFacts(config, attachment.ifname, kernel);
    const expected = plan({
      attachment,
      netns: request.netns,
      config: asAdded(config, prevResult, attachment.ifname),
      lease,
      facts,
    });
    const found = expected.steps.flatMap((step) => checkStep(step, kernel));
    if (found.length > 0) errors.push(differencesFault(attachmentText(attachment), found));
    using store = openStore(config.dataDir);
    await ipamFor(config.ipam.type).check(
      request,
      config.ipam,
      store,
      lease.addresses.map(({ address }) => address),
    );
  } catch (error) {
    errors.push(error as Error);
  } finally {
    kernel.close();
    closeNetns(netns);
  }
  throwTogether(errors);
}

function differencesFault(what: string, found: readonly Difference[]): Fault {
  const lines = found.map((one) => `${one.what}: expected ${one.expected}, found ${one.found}`);
  return new Fault(
    code.checkFailed,
    `${what} is not as ADD made it: ${lines.join("; ")}`,
    "Restart the container, or DEL and ADD the attachment",
  );
}

/** What ADD was given: the addresses on our interface (or on none), the routes as they are in the result. */
function leaseOf(result: Result, ifname: string): Lease {
  const mine = result.interfaces.findIndex(({ name, sandbox }) => name === ifname && sandbox !== undefined);
  const addresses = result.ips
    .filter(({ interface: index }) => index === undefined || mine < 0 || index === mine)
    .map(({ address, gateway }) => ({ address, ...(gateway !== undefined && { gateway }) }));
  return { addresses, routes: result.routes, made: false };
}

/** The hardware address and MTU as the chain left them: a later plugin may have changed either. */
function asAdded(config: NetworkConfig, result: Result, ifname: string): NetworkConfig {
  const inner = result.interfaces.find(({ name, sandbox }) => name === ifname && sandbox !== undefined);
  return {
    ...config,
    ...(inner?.mac && { mac: inner.mac.toLowerCase() }),
    ...(inner?.mtu !== undefined && { mtu: inner.mtu }),
  };
}
