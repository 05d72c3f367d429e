/** IPv6 link-local addresses. */
import { formatAddress } from "./address.ts";

/** `fe80::ff:fe00:1`: the address that a link has by its hardware address (RFC 4291, appendix A). */
export function linkLocalOf(mac: string): string {
  const [first = 0, ...rest] = mac.split(":").map((part) => Number.parseInt(part, 16));
  const interfaceId = [first ^ 0x02, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)];
  const value = interfaceId.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return formatAddress({ family: 6, value: (0xfe80n << 112n) | value });
}
