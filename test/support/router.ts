/** An IPv6 router that announces itself, by socat: RFC 4861. */
import type { Netns } from "./sandbox.ts";

/** Sections 4.2 and 4.6.2: a router for half an hour, and the prefix 2001:db8:77::/64 for an hour. */
const advertisement = Buffer.from(
  ["86000000", "40000708", "00000000", "00000000", "030440c0", "00000e10", "00000e10", "00000000"].join("") +
    "20010db8007700000000000000000000",
  "hex",
);

/**
 * Sends an advertisement to a neighbour on the link, by its link-local address. The kernel computes the checksum of
 * such a socket.
 */
export function advertise(router: Netns, ifname: string, to: string): void {
  const target = `IP6-SENDTO:[${to}%${ifname}]:58,ipv6-unicast-hops=255`;
  const { exitCode, stderr } = Bun.spawnSync(router.inside(["socat", "-u", "STDIN", target]), { stdin: advertisement });
  if (exitCode !== 0) throw new Error(`Cannot advertise: ${stderr}`);
}
