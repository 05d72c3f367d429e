/** VLAN filtering of a bridge. Loaded if the configuration has `vlan` or `vlanTrunk`. */
import { code, Fault } from "../../conf/fault.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { bridge as bridgeData, bridgeKind } from "../../netlink/route/kind/bridge.ts";
import { changeLink, createLink, type Link } from "../../netlink/route/link.ts";
import { errno, isKernelError, type KernelError } from "../../sys/errors.ts";

/** A bridge that needs VLAN filtering, and the key that needs it. */
export interface FilteringBridge {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly group: number;
  readonly filtersFor?: string | undefined;
}

export function isFiltering({ info }: Link): boolean {
  return info?.kind === bridgeKind && info.data !== undefined && bridgeData.get(info.data).vlanFiltering === 1;
}

const filtering = { kind: bridgeKind, data: bridgeData.put({ vlanFiltering: 1 }) };

/** Creates the bridge with VLAN filtering, or turns filtering on. Throws Fault (code 2) if the kernel cannot filter VLANs. */
export function makeFiltering({ name, mac, mtu, group, filtersFor = "" }: FilteringBridge, kernel: Kernel): void {
  const there = kernel.link("host", name);
  if (there && isFiltering(there)) return;
  try {
    if (there)
      kernel.request("host", changeLink(`turn on VLAN filtering of bridge ${name}`, { name, info: filtering }));
    else kernel.request("host", createLink({ name, address: mac, mtu, group, info: filtering }));
  } catch (error) {
    if (isKernelError(error, errno.EOPNOTSUPP)) throw cannotFilter(name, filtersFor, error as KernelError);
    if (!isKernelError(error, errno.EEXIST)) throw error; // another ADD was first
  }
  kernel.forget("host", name);
}

function cannotFilter(name: string, filtersFor: string, { message }: KernelError): Fault {
  return new Fault(
    code.unsupportedField,
    `Cannot use ${filtersFor}: bridges of this kernel cannot filter VLANs (${message})`,
    `Leave it out, or run a kernel with CONFIG_BRIDGE_VLAN_FILTERING; to see: ip link set ${name} type bridge vlan_filtering 1`,
  );
}
