/** Which addresses the namespaces have that are linked with this one. */
import { formatAddress } from "../conf/address.ts";
import { errno } from "../netlink/errors.ts";
import { listAddresses } from "../netlink/route/address.ts";
import { listLinks } from "../netlink/route/link.ts";
import { routeScope } from "../netlink/route/route.ts";
import { ignoring } from "./condemn.ts";
import type { Kernel } from "./kernel.ts";
import { addressFromBytes } from "./names.ts";
import { namespacesById, type SeenNamespace } from "./seenNamespaces.ts";

/** By address, the namespace that has it; undefined where nothing leads into that one, and where several have the address. */
export function addressesElsewhere(kernel: Kernel): ReadonlyMap<string, SeenNamespace | undefined> {
  const socket = kernel.route("host");
  const namespaces = namespacesById(socket);
  const ids = new Set(namespaces.keys());
  for (const { peerNetnsId } of listLinks(socket)) if (peerNetnsId !== undefined) ids.add(peerNetnsId);
  const found = new Map<string, SeenNamespace | undefined>();
  for (const id of ids) {
    // One may end while it is asked.
    ignoring(errno.EINVAL, () => {
      for (const { local, address, scope } of listAddresses(socket, 0, id)) {
        const bytes = local ?? address;
        if (bytes === undefined || scope === routeScope.link || scope === routeScope.host) continue;
        const text = formatAddress(addressFromBytes(bytes));
        found.set(text, found.has(text) ? undefined : namespaces.get(id));
      }
    });
  }
  return found;
}
