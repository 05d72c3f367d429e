/** Facts for `loopback`: the addresses that lo has, and will have when it is up. */
import type { Request } from "../../../conf/request.ts";
import type { Result } from "../../../conf/result/result.ts";
import type { Kernel } from "../../../kernel/kernel.ts";
import type { LoopbackFacts } from "../../../plan/facts.ts";

export function loopbackFacts({ config }: Request, _prev: Result, kernel: Kernel): LoopbackFacts {
  if (config.prevResult) return { hasIpv6: false, addresses: [] }; // the result is that of the plugins before
  return {
    hasIpv6: kernel.readSysctl("container", "net/ipv6/conf/lo/disable_ipv6") === "0",
    addresses: kernel.addresses("container", "lo"),
  };
}
