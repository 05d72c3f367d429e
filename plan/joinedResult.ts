/** Appends our interfaces, addresses and routes to prevResult. */
import type { Result } from "../conf/result/result.ts";

export function joinedResult(prev: Result, own: Result): Result {
  const ips = own.ips.map(({ interface: index, ...ip }) => ({
    ...ip,
    interface: index === undefined ? undefined : index + prev.interfaces.length,
  }));
  return {
    interfaces: [...prev.interfaces, ...own.interfaces],
    ips: [...prev.ips, ...ips],
    routes: [...prev.routes, ...own.routes],
    dns: own.dns ?? prev.dns,
  };
}
