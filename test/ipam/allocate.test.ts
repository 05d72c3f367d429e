/** nextFree() compared with a slow version: a plain list of addresses, walked one by one. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Address, formatAddress, parseAddress } from "../../ip/address.ts";
import { nextFree } from "../../ipam/allocate.ts";
import { boundRange, sizeOf, spansOf } from "../../ipam/range.ts";

const base = parseAddress("10.0.0.0")!.value;
const at = (value: bigint): Address => ({ family: 4, value: base + value });

/** Ranges of a set, one /27 each, with any start and end in it and a gateway at any place, also in the middle. */
const anySet = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 })), {
    minLength: 1,
    maxLength: 3,
  })
  .map((list) =>
    list.map(([a, b, gateway], i) => {
      const text = (host: number) => formatAddress(at(BigInt(i * 32 + host)));
      const [start, end] = [Math.min(a, b), Math.max(a, b)];
      return boundRange({
        subnet: `${text(0)}/27`,
        rangeStart: text(start),
        rangeEnd: text(end),
        gateway: text(gateway),
      });
    }),
  );

/** As host-local's iterator: from the address after the last given one, around to that one. */
function slowTwin(list: readonly bigint[], after: bigint | undefined, taken: ReadonlySet<bigint>): bigint | undefined {
  const start = after === undefined ? 0 : list.indexOf(after) + 1;
  const order = [...list.slice(start), ...list.slice(0, start)];
  return order.find((value) => !taken.has(value));
}

function counting(taken: ReadonlySet<bigint>) {
  return (first: Address, last: Address) => [...taken].filter((v) => v >= first.value && v <= last.value).length;
}

describe("nextFree()", () => {
  it("agrees with a walk through all addresses", () => {
    const property = fc.property(
      anySet,
      fc.uniqueArray(fc.integer({ min: 0, max: 96 }), { maxLength: 96 }),
      fc.option(fc.integer({ min: 0, max: 100 })),
      (set, takenHosts, afterHost) => {
        const gateways = set.map(({ gateway }) => gateway);
        const list: bigint[] = [];
        for (const { first, last } of set) {
          for (let v = first; v <= last; v++) if (!gateways.some(({ value }) => value === v)) list.push(v);
        }
        const taken = new Set(takenHosts.map((host) => base + BigInt(host)));
        const after = afterHost === null ? undefined : at(BigInt(afterHost));
        const spans = spansOf(set, gateways);
        assert.equal(sizeOf(spans), BigInt(list.length));
        assert.equal(nextFree(spans, after, counting(taken))?.value, slowTwin(list, after?.value, taken));
      },
    );
    fc.assert(property, { numRuns: 3000 });
  });

  it("gives every address once before it gives one twice", () => {
    fc.assert(
      fc.property(anySet, (set) => {
        const spans = spansOf(
          set,
          set.map(({ gateway }) => gateway),
        );
        const taken = new Set<bigint>();
        let after: Address | undefined;
        for (let free = nextFree(spans, after, counting(taken)); free; free = nextFree(spans, after, counting(taken))) {
          assert.ok(!taken.has(free.value));
          taken.add(free.value);
          after = { family: 4, value: free.value };
        }
        assert.equal(BigInt(taken.size), sizeOf(spans));
      }),
      { numRuns: 300 },
    );
  });

  it("needs as few queries for a /8 or a /64 as for a /24", () => {
    const asked = (subnet: string) => {
      let count = 0;
      const free = nextFree(spansOf([boundRange({ subnet })], []), undefined, () => {
        count += 1;
        return 0;
      });
      assert.ok(free);
      return count;
    };
    assert.deepEqual([asked("10.0.0.0/8"), asked("fd00::/64"), asked("10.1.1.0/24")], [1, 1, 1]);
  });

  it("crosses a run of 100,000 used addresses in some forty queries", () => {
    const start = parseAddress("10.0.0.1")!.value;
    const end = start + 100_000n;
    let count = 0;
    const taken = (first: Address, last: Address) => {
      count += 1;
      const stop = last.value < end ? last.value : end - 1n;
      return stop < first.value ? 0 : Number(stop - first.value + 1n);
    };
    const free = nextFree(spansOf([boundRange({ subnet: "10.0.0.0/8" })], []), undefined, taken);
    assert.equal(free?.value, end);
    assert.ok(count <= 40, `${count} questions`);
  });
});
