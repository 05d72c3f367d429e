/** Compares an attachment of the reference with the kernel if `prevResult` is the only trace of it: host-local did not give its addresses. */
import type { Attachment } from "../../conf/attachment.ts";
import type { NetworkConfig } from "../../conf/config/config.ts";
import type { Raw } from "../../conf/request.ts";
import type { ResultInterface } from "../../conf/result/result.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { isOurGroup } from "../../kernel/ownership.ts";
import { vethKind } from "../../netlink/route/kind/veth.ts";
import type { Link } from "../../netlink/route/link.ts";
import { type Difference, differences, missing } from "../../step/kind.ts";
import { foreignIn } from "./foreignLink.ts";

/** For a veth: `host` is its end on this host as `prevResult` describes it, and `inner` must be its other end. */
export function vethDifferences(
  host: { readonly name: string; readonly mac: string },
  inner: ResultInterface,
  { type, bridge }: NetworkConfig,
  kernel: Kernel,
): Difference[] {
  const outer = kernel.link("host", host.name);
  if (!outer) return missing(`link ${host.name} (the host's end of ${inner.name})`);
  const master = type === "ptp" ? 0 : kernel.link("host", bridge)?.index;
  return [
    ...differences(
      `link ${host.name}`,
      { kind: vethKind, mac: host.mac || undefined, master },
      { kind: outer.info?.kind, mac: outer.address, master: outer.master ?? 0 },
    ),
    ...innerDifferences(inner, kernel, { kind: vethKind, peer: outer.index }),
  ];
}

function innerDifferences({ name, mac, mtu }: ResultInterface, kernel: Kernel, more: object): Difference[] {
  const found = kernel.link("container", name);
  if (!found) return missing(`link ${name} in the container`);
  return differences(
    `link ${name} in the container`,
    { ...more, mac: mac?.toLowerCase(), mtu },
    { kind: found.info?.kind, mac: found.address, mtu: found.mtu, peer: found.peerIndex },
  );
}

/** True if the container has the interface of `prevResult`: a macvlan or its like, or a device that host-device lent. */
export function isInNamespace({ ifname }: Attachment, { type }: NetworkConfig, raw: Raw, kernel: Kernel): boolean {
  const reported = foreignIn(raw, ifname, type);
  if (reported === undefined) return false;
  const found = kernel.link("container", ifname);
  return found !== undefined && found.address === reported.mac && isReferences(found, reported.type);
}

function isReferences({ info, alias = "", group = 0 }: Link, kind: string): boolean {
  return !isOurGroup(group) && (kind === "host-device" ? alias !== "" : info?.kind === kind);
}
