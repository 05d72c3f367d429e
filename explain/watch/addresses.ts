/** Addresses and routes as words. The kernel reports an address again when only its flags change. */
import { formatAddress, formatCidr } from "../../ip/address.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import { addressFlag, addressPayload } from "../../netlink/route/address.ts";
import { mainTable, routePayload } from "../../netlink/route/route.ts";
import type { Said } from "./event.ts";
import type { Links } from "./links.ts";

/** RT_SCOPE_LINK, RTPROT_KERNEL */
const linkScope = 253;
const protocolKernel = 2;
/** RTM_F_CLONED: an entry of the cache. */
const cloned = 0x200;

export class Addresses {
  readonly #known = new Set<string>();
  readonly #links: Links;

  constructor(links: Links) {
    this.#links = links;
  }

  know(netnsId: number | undefined, index: number, cidr: string): void {
    this.#known.add(`${netnsId ?? "host"} ${index} ${cidr}`);
  }

  forgetAll(): void {
    this.#known.clear();
  }

  changed(netnsId: number | undefined, payload: Uint8Array, isRemoved: boolean): Said[] {
    const { local, address, prefixLength, index, scope, flags = 0 } = addressPayload.get(payload);
    const bytes = local ?? address;
    // The kernel gives each link a link-local address of IPv6.
    if (bytes === undefined || (bytes.length === 16 && scope === linkScope)) return [];
    const cidr = formatCidr({ ...addressFromBytes(bytes), prefixLength });
    const key = `${netnsId ?? "host"} ${index} ${cidr}`;
    const text = `${cidr} on ${this.#links.nameOf(netnsId, index)}`;
    const said = (what: Said["what"], says: string): Said[] => [{ about: "address", what, says }];
    if (isRemoved) {
      this.#known.delete(key);
      return said("removed", text);
    }
    if (flags & addressFlag.duplicate) return said("changed", `${text} is a duplicate: another machine has it`);
    if (this.#known.has(key)) return [];
    this.#known.add(key);
    return said("added", text);
  }

  /** Routes of the main table that a program set; those of addresses and of neighbours come and go with them. */
  route(netnsId: number | undefined, payload: Uint8Array, isRemoved: boolean): Said[] {
    const { table, protocol, flags = 0, destination, dstLength, gateway, outIndex } = routePayload.get(payload);
    if (table !== mainTable || protocol === protocolKernel || (flags & cloned) !== 0) return [];
    const to = destination ? formatCidr({ ...addressFromBytes(destination), prefixLength: dstLength }) : "default";
    const via = gateway ? ` via ${formatAddress(addressFromBytes(gateway))}` : "";
    const dev = outIndex === undefined ? "" : ` dev ${this.#links.nameOf(netnsId, outIndex)}`;
    return [{ about: "route", what: isRemoved ? "removed" : "added", says: `${to}${via}${dev}` }];
  }
}
