/** Addresses as bytes in network order, as the kernel has them. */

import { type Address, addressBits } from "./address.ts";

/** An address as 4 or 16 bytes. */
export function addressBytes({ family, value }: Address): Uint8Array {
  const length = addressBits(family) / 8;
  const bytes = new Uint8Array(length);
  let rest = value;
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** The address in 4 or 16 bytes. */
export function addressFromBytes(bytes: Uint8Array): Address {
  let value = 0n;
  for (let i = 0; i < bytes.length; i++) value = (value << 8n) | BigInt(bytes[i]!);
  return { family: bytes.length === 4 ? 4 : 6, value };
}
