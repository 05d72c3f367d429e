/** Defaults and limits of a range: those of host-local's README and range_test.go. */
import assert from "node:assert/strict";
import type { Range } from "../../conf/config/config.ts";
import { Fault } from "../../conf/fault.ts";
import { formatAddress } from "../../ip/address.ts";
import { boundRange, sizeOf, spansOf } from "../../ipam/range.ts";

function text(range: Range): string {
  const { family, first, last, gateway } = boundRange(range);
  const [a, b, g] = [{ family, value: first }, { family, value: last }, gateway].map(formatAddress);
  return `${a}–${b} via ${g}`;
}

describe("boundRange()", () => {
  const cases: [string, Range, string][] = [
    [
      "fills in an IPv4 range without network and broadcast",
      { subnet: "10.1.0.0/24" },
      "10.1.0.1–10.1.0.254 via 10.1.0.1",
    ],
    ["fills in an IPv6 range up to all ones", { subnet: "fd00::/120" }, "fd00::1–fd00::ff via fd00::1"],
    ["fills in the smallest IPv4 network", { subnet: "10.1.0.4/30" }, "10.1.0.5–10.1.0.6 via 10.1.0.5"],
    [
      "keeps a start, an end and a gateway",
      { subnet: "10.1.0.0/24", rangeStart: "10.1.0.10", rangeEnd: "10.1.0.20", gateway: "10.1.0.15" },
      "10.1.0.10–10.1.0.20 via 10.1.0.15",
    ],
    [
      "leaves out network and broadcast even if they are named",
      { subnet: "10.1.0.0/29", rangeStart: "10.1.0.0", rangeEnd: "10.1.0.7" },
      "10.1.0.1–10.1.0.6 via 10.1.0.1",
    ],
  ];
  for (const [name, range, expected] of cases) it(name, () => assert.equal(text(range), expected));

  it("refuses an address outside", () => {
    assert.throws(() => boundRange({ subnet: "10.1.0.0/24", rangeEnd: "10.2.0.1" }), Fault);
    assert.throws(() => boundRange({ subnet: "10.1.0.0/24", gateway: "fd00::1" }), Fault);
  });
});

describe("spansOf()", () => {
  it("cuts gateways out, at the edges and in the middle", () => {
    const range = boundRange({ subnet: "10.1.0.0/29", gateway: "10.1.0.3" });
    const low = { family: 4, value: range.first } as const;
    const spans = spansOf([range], [range.gateway, low, range.gateway]);
    const last = (value: bigint) => formatAddress({ family: 4, value });
    assert.deepEqual(
      spans.map((span) => `${last(span.first)}–${last(span.last)}`),
      ["10.1.0.2–10.1.0.2", "10.1.0.4–10.1.0.6"],
    );
    assert.equal(sizeOf(spans), 4n);
  });

  it("knows the size of a /64 without walking it", () => {
    const range = boundRange({ subnet: "fd00::/64" });
    assert.equal(sizeOf(spansOf([range], [range.gateway])), 2n ** 64n - 2n);
  });
});
