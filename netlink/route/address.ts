/** Addresses: struct ifaddrmsg and IFA_* (linux/if_addr.h). */
import { attributes, bytes, type Codec, i32, joined, struct, text, u8, u32, type Values } from "../codec.ts";
import { flags, type Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";

export const addressType = { create: 20, delete: 21, get: 22 } as const;

/**
 * IFA_F_*. `noPrefixRoute`: the kernel creates no route to the subnet. `noDad`: no duplicate address detection, so an
 * IPv6 address works at once. `duplicate`: the detection found another holder.
 */
export const addressFlag = {
  noDad: 0x02,
  duplicate: 0x08,
  tentative: 0x40,
  permanent: 0x80,
  noPrefixRoute: 0x200,
} as const;

/** AF_INET and AF_INET6 (linux/socket.h): the kernel's numbers of IPv4 and IPv6. */
export const addressFamily = { 4: 2, 6: 10 } as const;

/** The kernel's number for the family of an address of 4 or 16 bytes. */
export function familyOfBytes(address: Uint8Array): number {
  return addressFamily[address.length === 4 ? 4 : 6];
}

const header = struct({ family: u8, prefixLength: u8, flags: u8, scope: u8, index: u32 });

const addressAttributes = attributes({
  address: [1, bytes],
  local: [2, bytes],
  label: [3, text],
  broadcast: [4, bytes],
  flags: [8, u32],
  /** IFA_TARGET_NETNSID: another namespace, by the number that the socket's namespace has for it. */
  netnsId: [10, i32],
});

export interface InterfaceAddress extends Values<(typeof addressAttributes)["table"]> {
  readonly index: number;
  readonly prefixLength: number;
  readonly scope: number;
}

export const addressPayload: Codec<InterfaceAddress> = {
  put: ({ index, prefixLength, scope, ...values }) =>
    joined([
      header.put({
        family: familyOfBytes(values.local ?? values.address ?? new Uint8Array(4)),
        prefixLength,
        scope,
        index,
      }),
      addressAttributes.put(values),
    ]),
  get(raw) {
    const { index = 0, prefixLength = 0, scope = 0 } = header.get(raw);
    return { ...addressAttributes.get(raw.subarray(header.size)), index, prefixLength, scope };
  },
};

interface AddressRequest {
  readonly index: number;
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly prefixLength: number;
  readonly flags?: number | undefined;
  /** The address in words, for messages. */
  readonly text: string;
}

/**
 * Gives a link an address. Refused with EEXIST if the link has it. An IPv4 address gets its subnet's broadcast address,
 * as with `brd +` of ip(8).
 */
export function addAddress({
  index,
  address,
  prefixLength,
  flags: addressFlags,
  text: shown,
}: AddressRequest): Message {
  const isIpv4 = address.length === 4;
  return {
    what: `add address ${shown}`,
    type: addressType.create,
    flags: flags.create | flags.exclusive,
    payload: addressPayload.put({
      index,
      prefixLength,
      scope: 0,
      local: address,
      address,
      broadcast: isIpv4 && prefixLength < 31 ? broadcastOf(address, prefixLength) : undefined,
      flags: addressFlags,
    }),
  };
}

function broadcastOf(address: Uint8Array, prefixLength: number): Uint8Array {
  const broadcast = address.slice();
  for (let i = 0; i < broadcast.length; i++) {
    broadcast[i]! |= 0xff >> Math.min(8, Math.max(0, prefixLength - 8 * i));
  }
  return broadcast;
}

export function deleteAddress({ index, address, prefixLength, text: shown }: AddressRequest): Message {
  return {
    what: `delete address ${shown}`,
    type: addressType.delete,
    flags: 0,
    payload: addressPayload.put({ index, prefixLength, scope: 0, local: address, address }),
  };
}

/** The addresses of one link, or with `index` 0 of all links; in another namespace if its `netnsId` is given. */
export function listAddresses(socket: NetlinkSocket, index = 0, netnsId?: number): InterfaceAddress[] {
  const payload =
    netnsId === undefined ? header.put({ index }) : joined([header.put({ index }), addressAttributes.put({ netnsId })]);
  const addresses: InterfaceAddress[] = [];
  const asked = { what: `list the addresses of link ${index}`, type: addressType.get, flags: 0, payload };
  for (const frame of socket.dump(asked)) addresses.push(addressPayload.get(frame.payload));
  return addresses;
}
