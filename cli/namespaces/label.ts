/** A network namespace in a few letters, as a person can give it to `inspect`, `exec` and `shell`. */
import { type Container, nameOf } from "../../explain/containers/container.ts";
import type { Namespace } from "../../explain/namespaces/everyNamespace.ts";
import type { Holder } from "../../explain/namespaces/holders.ts";

/** The namespace that the command runs in: ns-net's host. */
export const ownLabel = "host";

/** A container's name says more than a name that its runtime made up: `cni-483760f5-…`. */
export function labelOf(
  { isOwn, names, processes, paths, inode }: Holder & Pick<Namespace, "isOwn">,
  container: Container | undefined,
): string {
  if (isOwn) return ownLabel;
  if (container !== undefined) return `container:${nameOf(container)}`;
  const [name] = names;
  const [first] = processes;
  return name ?? (first === undefined ? (paths[0] ?? `net:[${inode}]`) : `pid:${first.pid}`);
}

/** `4242 nginx +2`: the first process, and the number of others. */
export function processesText({ processes }: Namespace): string {
  const [first, ...others] = processes;
  if (first === undefined) return "-";
  return `${first.pid} ${first.command}${others.length > 0 ? ` +${others.length}` : ""}`;
}

/** The addresses that a person looks for: without IPv6 link-local ones, which the kernel gives each link. */
export function addressesOf(addresses: readonly string[]): string[] {
  return addresses.filter((address) => !address.startsWith("fe80:"));
}
