/** Whether the kernel has netem. */
import { openKernel } from "../../kernel/kernel.ts";
import { deleteNetem, replaceNetem } from "../../netlink/route/netem.ts";
import { errno, tolerating } from "../../sys/errors.ts";

/** Tries it at the loopback interface of this network namespace, which must be a lab's, and takes it away. */
export function hasNetem(): boolean {
  using kernel = openKernel();
  const index = kernel.indexOf("host", "lo");
  const answer = tolerating(() => kernel.request("host", replaceNetem(index, "lo", {})), errno.ENOENT);
  if (answer === undefined) return false;
  kernel.request("host", deleteNetem(index, "lo"));
  return true;
}
