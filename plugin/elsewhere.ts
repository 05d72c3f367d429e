/** An attachment that another namespace, which lives, has: asked when its entry is about to be taken over. */
import { attachmentText } from "../conf/attachment.ts";
import { code, Fault } from "../conf/fault.ts";
import { bootId, type Entry } from "../ipam/store.ts";
import { closeNetns, openNetns } from "../netlink/netns.ts";
import { Kernel } from "./kernel.ts";
import { isThere } from "./traces.ts";

/** Throws Fault. Nothing on the host need tell of it: its interface may be in the container alone, or its link renamed. */
export function refuseElsewhere(entry: Entry): void {
  if (entry.state !== "attached" || entry.bootId !== bootId() || !isThere(entry) || !hasInterface(entry)) return;
  throw new Fault(
    code.environment,
    `Cannot attach ${attachmentText(entry.attachment)}: it is attached already, in the namespace ${entry.netnsPath}`,
    "Delete the attachment first (CNI DEL, or 'ns-net del')",
  );
}

function hasInterface({ netnsPath, attachment }: Entry): boolean {
  const netns = openNetns(netnsPath);
  const kernel = new Kernel(netns);
  try {
    return kernel.link("pod", attachment.ifname) !== undefined;
  } finally {
    kernel.close();
    closeNetns(netns);
  }
}
