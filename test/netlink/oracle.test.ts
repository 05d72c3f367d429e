/**
 * The package `netlink` (node-netlink) as the oracle: its tables, generated from foreign sources, read our messages.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { parseAddressMessage, parseLinkMessage, parseRouteMessage } from "netlink/dist/rt/structs.js";
import { formatHeader, parseMessages } from "netlink/dist/structs.js";
import { framed, frames } from "../../netlink/message.ts";
import { addAddress } from "../../netlink/route/address.ts";
import { createLink, linkFlag } from "../../netlink/route/link.ts";
import { addRoute } from "../../netlink/route/route.ts";
import { tree } from "./tree.ts";

const number = (bits: number) => fc.nat({ max: 2 ** bits - 1 });
const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString("hex");
const buffer = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
/** The fields that its table leaves as bytes. */
const word = (value: Buffer | number | undefined) => (typeof value === "object" ? value.readUInt32LE() : value);
const addressOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const anyAddress = fc.oneof(addressOf(4), addressOf(16));
const name = fc.stringMatching(/^[a-z][a-z0-9.]{0,14}$/);

const message = fc.record({
  what: fc.constant(""),
  type: number(16),
  flags: number(16),
  payload: fc.uint8Array({ maxLength: 100 }),
});

describe("The package netlink reads what we write:", () => {
  it("messages in one datagram, with their numbers", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), number(30), (messages, first) => {
        const read = parseMessages(buffer(framed(messages, first)));
        assert.deepEqual(
          read.map(({ type, flags, seq, data }) => [type, flags, seq, text(data)]),
          messages.map(({ type, flags, payload }, i) => [type, flags | 1, first + i, text(payload)]),
        );
      }),
    );
  });

  it("and we read what it writes", () => {
    fc.assert(
      fc.property(number(16), number(16), number(32), fc.uint8Array({ maxLength: 40 }), (type, flags, seq, payload) => {
        const header = formatHeader({ length: 16 + payload.length, type, flags, seq, port: 7 });
        const [frame, ...more] = frames(Uint8Array.from(Buffer.concat([header, payload])));
        assert.deepEqual(more, []);
        assert.deepEqual(
          [frame!.type, frame!.flags, frame!.sequence, text(frame!.payload)],
          [type, flags, seq, text(payload)],
        );
      }),
    );
  });

  it("links", () => {
    fc.assert(
      fc.property(name, number(16), number(31), number(31), addressOf(6), (ifname, mtu, group, master, six) => {
        const address = Array.from(six, (byte) => byte.toString(16).padStart(2, "0")).join(":");
        const link = { name: ifname, mtu, group, master, address, set: linkFlag.up, info: { kind: "bridge" } };
        const { data, attrs } = parseLinkMessage(buffer(createLink(link).payload));
        assert.deepEqual(
          [
            attrs.ifname,
            attrs.mtu,
            attrs.group,
            attrs.master,
            text(attrs.address),
            attrs.linkinfo && tree(attrs.linkinfo),
          ],
          [ifname, mtu, group, master, text(six), { 1: text(Buffer.from("bridge\0")) }],
        );
        assert.deepEqual([data.flags?.up, data.change?.up, data.index], [true, true, 0]);
      }),
    );
  });

  it("addresses", () => {
    fc.assert(
      fc.property(anyAddress, number(31), (address, index) => {
        const prefixLength = address.length === 4 ? 24 : 64;
        const flags = address.length === 16 ? { flags: 0x02 } : {};
        const { data, attrs } = parseAddressMessage(
          buffer(addAddress({ index, address, prefixLength, text: "", ...flags }).payload),
        );
        assert.deepEqual(
          [data.family, data.prefixlen, data.index, text(attrs.local), text(attrs.address), attrs.flags?.nodad],
          [
            address.length === 4 ? 2 : 10,
            prefixLength,
            index,
            text(address),
            text(address),
            address.length === 16 ? true : undefined,
          ],
        );
        const broadcast = address.length === 4 ? Uint8Array.from([...address.subarray(0, 3), 255]) : undefined;
        assert.equal(text(attrs.broadcast), text(broadcast));
      }),
    );
  });

  it("routes", () => {
    const request = fc.record({
      destination: anyAddress,
      outIndex: number(31),
      mtu: number(16),
      advmss: number(16),
      priority: number(32),
      table: number(32),
    });
    fc.assert(
      fc.property(request, (route) => {
        const { destination, outIndex, mtu, advmss, priority, table } = route;
        const gateway = destination.map((byte) => byte ^ 1);
        const bits = destination.length * 8;
        const { data, attrs } = parseRouteMessage(
          buffer(addRoute({ text: "", ...route, dstLength: bits, gateway }).payload),
        );
        assert.deepEqual(
          [data.family, data.dstLen, attrs.oif, text(attrs.dst), text(attrs.gateway)],
          [bits === 32 ? 2 : 10, bits, outIndex, text(destination), text(gateway)],
        );
        assert.deepEqual(
          [word(attrs.metrics?.mtu), word(attrs.metrics?.advmss), attrs.priority, attrs.table ?? data.table],
          [mtu, advmss, priority, table],
        );
      }),
    );
  });
});
