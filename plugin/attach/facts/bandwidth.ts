/** Facts for `bandwidth`: the container's interface, and its end on the host. */
import type { Request } from "../../../conf/request.ts";
import type { Result } from "../../../conf/result/result.ts";
import type { Kernel } from "../../../kernel/kernel.ts";
import type { BandwidthFacts } from "../../../plan/facts.ts";

export function bandwidthFacts({ attachment, config }: Request, _prev: Result, kernel: Kernel): BandwidthFacts {
  if (!config.features!.bandwidth) return { innerKind: undefined, host: undefined };
  const inner = kernel.link("container", attachment.ifname);
  const host = inner?.peerIndex === undefined ? undefined : kernel.linkByIndex(inner.peerIndex);
  return {
    innerKind: inner && (inner.info?.kind ?? "device"),
    host: host?.name === undefined ? undefined : { name: host.name, mtu: host.mtu ?? 0 },
  };
}
