/** Whether an attachment that another plugin made still stands. */
import { existsSync } from "node:fs";
import { adoptedStep } from "../../ipam/hostLocal/adopted.ts";
import { addressesElsewhere } from "../../kernel/addresses.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Entry } from "../../store/entry.ts";

/**
 * True unless host-local has let go of it, or no namespace that is linked with this one has its addresses. The
 * namespaces are asked once, at the first entry that it matters for.
 */
export function isAdoptedPresent(kernel: Kernel): (entry: Entry) => boolean {
  let elsewhere: ReturnType<typeof addressesElsewhere> | undefined;
  return (entry) => {
    const step = adoptedStep(entry);
    if (step === undefined || !step.files.some((file) => existsSync(file))) return false;
    elsewhere ??= addressesElsewhere(kernel);
    return step.addresses.some((address) => elsewhere!.has(address));
  };
}
