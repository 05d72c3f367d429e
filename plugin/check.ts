/**
 * CHECK: compares the committed plan, from the store, with the kernel. A new plan would not do: the host may have changed
 * since (another MTU on its uplink, for example) without the attachment being wrong. The plan is narrowed to `prevResult`
 * first, so that the changes of later chained plugins are no differences.
 */

import { attachmentText } from "../conf/attachment.ts";
import type { Call } from "../conf/call.ts";
import { code, Fault } from "../conf/fault.ts";
import { isContainerLink, makesBridge } from "../conf/pluginType.ts";
import type { Request } from "../conf/request.ts";
import type { Result } from "../conf/result/result.ts";
import { withoutPrefix } from "../ip/address.ts";
import { adoptedStep } from "../ipam/hostLocal/adopted.ts";
import { ipamFor } from "../ipam/index.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { AdoptedKey } from "../step/adopted.ts";
import { innerOf } from "../step/asInResult.ts";
import { expectedAfter } from "../step/expected.ts";
import { asInResult, checkStep, stepsOf } from "../step/index.ts";
import { type Difference, differenceText, distinct } from "../step/kind.ts";
import type { Store } from "../store/store.ts";
import { openKernelOf } from "./attach/openKernelOf.ts";
import defer * as chained from "./chain/chained.ts";
import { checkNeedsPrevResult, throwTogether } from "./faults.ts";
import { prevResultDifferences } from "./prevResultDifferences.ts";
import { openExisting } from "./recovery/openStore.ts";
import defer * as find from "./takeover/find.ts";
import defer * as fromPrevResult from "./takeover/fromPrevResult.ts";
import defer * as rulesLeft from "./takeover/rulesLeft.ts";

const cure = "Restart the container, or DEL and ADD the attachment";

/** Throws Fault listing every difference, expected and found. */
export async function check(request: Request, call: Call): Promise<void> {
  const { attachment, config } = request;
  const { prevResult } = config;
  if (!prevResult) throw checkNeedsPrevResult();
  const what = attachmentText(attachment);
  using kernel = openKernelOf(request, call);
  const errors: Error[] = [];
  try {
    using store = openExisting({ dataDir: config.dataDir, network: attachment.network }, kernel);
    const entry = store?.find(attachment);
    const steps = entry?.steps && stepsOf(entry);
    if (!steps && store?.chainedRecords(attachment).some(({ plugin }) => plugin === config.type))
      return chained.checkChained(request, call);
    if (!steps && checkedAsAdopted(request, store, kernel)) return;
    if (!store || !entry || !steps) {
      throw new Fault(code.checkFailed, `${what}: expected an entry in the store ${config.dataDir}, found none`, cure);
    }
    const later = store.chainedSteps(attachment).flatMap(stepsOf);
    const told = steps.flatMap((step) => asInResult(step, prevResult) ?? []);
    const found = expectedAfter(told, later).flatMap((step) => checkStep(step, kernel));
    found.push(...prevResultDifferences(request, entry, kernel.netns!, kernel));
    if (adoptedStep(entry)) found.push(...lostMasquerade(request, kernel));
    if (found.length > 0) errors.push(differencesFault(what, found));
    await ipamFor(config.ipam.type).check(
      request,
      config.ipam,
      store,
      addressesOn(attachment.ifname, prevResult),
      call,
    );
  } catch (error) {
    errors.push(error as Error);
  }
  throwTogether(errors);
}

/**
 * True for an attachment that the reference made and ns-net has no entry of: host-local has a reservation for it, or
 * prevResult has an interface that is not ours. Throws Fault if the kernel differs from them.
 */
function checkedAsAdopted(request: Request, store: Store | undefined, kernel: Kernel): boolean {
  const step = find.adoptedOf(find.askedBy(request), undefined, store);
  const { type, bridge } = request.config;
  const found =
    step && step.files.length > 0
      ? checkStep({ ...step, bridge: makesBridge(type) ? bridge : undefined }, kernel)
      : byPrevResultAlone(request, step?.hostLink, kernel);
  if (found === undefined) return false;
  const all = [...found, ...lostMasquerade(request, kernel)];
  if (all.length > 0) throw differencesFault(attachmentText(request.attachment), all);
  return true;
}

/** For an attachment that the reference's bridge or ptp made. */
function lostMasquerade({ attachment, config }: Request, kernel: Kernel): readonly Difference[] {
  const { type, ipMasq, prevResult } = config;
  if (!ipMasq || (type !== "bridge" && type !== "ptp")) return [];
  const addresses = addressesOn(attachment.ifname, prevResult!).map(withoutPrefix);
  return rulesLeft.rulesMissing({ attachment, addresses, isMasqueraded: true, ports: [] }, kernel);
}

/** Undefined if prevResult has no interface that the reference can have made. */
function byPrevResultAlone(
  { attachment, config, raw }: Request,
  hostLink: AdoptedKey["hostLink"],
  kernel: Kernel,
): readonly Difference[] | undefined {
  const prevResult = config.prevResult!;
  const inner = innerOf(attachment.ifname, prevResult.interfaces);
  if (!inner) return undefined;
  const isVeth = hostLink !== undefined && !isContainerLink(config.type);
  if (!isVeth && !fromPrevResult.isInNamespace(attachment, config, raw, kernel)) return undefined;
  const found = isVeth ? fromPrevResult.vethDifferences(hostLink, inner, config, kernel) : [];
  if (found.length > 0) return found;
  const addresses = addressesOn(attachment.ifname, prevResult).map(withoutPrefix);
  return checkStep({ kind: "adopted", attachment, addresses, files: [] }, kernel);
}

function differencesFault(what: string, found: readonly Difference[]): Fault {
  const lines = distinct(found).map(differenceText);
  return new Fault(code.checkFailed, `${what} is not as ADD made it: ${lines.join("; ")}`, cure);
}

/** The result's addresses that belong to our interface, or to no interface in particular. */
function addressesOn(ifname: string, { interfaces, ips }: Result): string[] {
  const inner = innerOf(ifname, interfaces);
  const mine = ips.filter(({ interface: index }) => index === undefined || !inner || interfaces[index] === inner);
  return mine.map(({ address }) => address);
}
