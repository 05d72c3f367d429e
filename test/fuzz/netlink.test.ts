/** For any bytes of a socket: values or a WireError. Never another error, never an endless loop. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { WireError } from "../../netlink/codec.ts";
import { frames } from "../../netlink/message.ts";
import { addressPayload } from "../../netlink/route/address.ts";
import { linkPayload, portOf } from "../../netlink/route/link.ts";
import { holds, mochaLimitMs } from "./property.ts";

/** Attributes with mostly right lengths, so that the reader gets beyond the first. */
const attribute = fc
  .tuple(fc.integer({ min: 0, max: 70 }), fc.uint8Array({ maxLength: 40 }), fc.integer({ min: -2, max: 2 }))
  .map(([type, data, lie]) => {
    const padded = new Uint8Array(4 + ((data.length + 3) & ~3));
    const view = new DataView(padded.buffer);
    view.setUint16(0, Math.max(0, 4 + data.length + (lie === 2 ? 2 : 0)), true);
    view.setUint16(2, type, true);
    padded.set(data, 4);
    return padded;
  });

const payload = fc
  .tuple(fc.uint8Array({ minLength: 0, maxLength: 16 }), fc.array(attribute, { maxLength: 6 }))
  .map(([header, attributes]) => Buffer.concat([header, ...attributes]));

const input = fc.oneof(fc.uint8Array({ maxLength: 256 }), payload);

const readers: Record<string, (bytes: Uint8Array) => unknown> = {
  messages: frames,
  "a link": (bytes) => portOf(linkPayload.get(bytes)),
  "an address": addressPayload.get,
};

describe("Random bytes", function () {
  this.timeout(mochaLimitMs);

  for (const [what, read] of Object.entries(readers)) {
    it(`read as ${what} are a value or a WireError`, () => {
      holds(input, (bytes) => {
        try {
          read(bytes);
        } catch (error) {
          assert.ok(error instanceof WireError, `${(error as Error).stack}`);
        }
      });
    });
  }
});
