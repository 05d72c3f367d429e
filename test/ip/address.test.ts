import assert from "node:assert/strict";
import fc from "fast-check";
import { Address4, Address6 } from "ip-address";
import {
  addressBits,
  type Cidr,
  contains,
  type Family,
  familyOf,
  formatAddress,
  formatCidr,
  ipCommand,
  lastOf,
  networkOf,
  overlaps,
  parseAddress,
  parseCidr,
  withoutPrefix,
} from "../../ip/address.ts";

const anyAddress = fc
  .constantFrom<Family>(4, 6)
  .chain((family) =>
    fc.bigInt({ min: 0n, max: (1n << BigInt(addressBits(family))) - 1n }).map((value) => ({ family, value })),
  );

const anyCidr = anyAddress.chain((address) =>
  fc.integer({ min: 0, max: addressBits(address.family) }).map((prefixLength): Cidr => ({ ...address, prefixLength })),
);

/** Zero groups are rare in random bits, so this writes IPv6 addresses with some. */
const anyIpv6Text = fc
  .array(fc.constantFrom("0", "0", "1", "db8", "ffff", "00a0"), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.join(":"));

const theirs = (text: string) => (text.includes(":") ? new Address6(text) : new Address4(text));

describe("the helpers for text", () => {
  it("see the family and cut off the prefix length, as parsing does", () => {
    fc.assert(
      fc.property(anyCidr, (cidr) => {
        for (const text of [formatCidr(cidr), formatAddress(cidr)]) {
          assert.equal(familyOf(text), cidr.family);
          assert.equal(withoutPrefix(text), formatAddress(cidr));
        }
      }),
    );
  });

  it("name the ip(8) command of a family", () => {
    assert.deepEqual([ipCommand(4), ipCommand(6)], ["ip", "ip -6"]);
  });
});

describe("parseAddress()", () => {
  for (const text of ["0.0.0.0", "10.1.0.7", "255.255.255.255", "::", "::1", "1::", "2001:db8::7", "fe80::1:0:0:1"]) {
    it(`reads ${text}, as ip-address does`, () => {
      const address = parseAddress(text);
      assert.equal(address?.value, theirs(text).bigInt());
      assert.equal(formatAddress(address!), text);
    });
  }

  it("reads an IPv4 address inside an IPv6 one", () => {
    assert.deepEqual(parseAddress("::ffff:10.0.0.1"), { family: 6, value: 0xffff_0a00_0001n });
    assert.equal(formatAddress({ family: 6, value: 0xffff_0a00_0001n }), "::ffff:10.0.0.1");
  });

  for (const text of [
    ...[
      "",
      "1",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.256",
      "01.2.3.4",
      "1.2.3.4 ",
      " 1.2.3.4",
      "1.2.3.0x4",
      "+1.2.3.4",
      "1.2.3.4/24",
    ],
    ...[
      ":",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7::8",
      "12345::",
      "::g",
      "fe80::1%eth0",
    ],
    ...["::1.2.3", "1.2.3.4::", "::ffff:1.2.3.256", "1:2:3:4:5:6:7:1.2.3.4", `::${"0".repeat(1000)}`],
  ]) {
    it(`refuses ${JSON.stringify(text.slice(0, 50))}`, () => assert.equal(parseAddress(text), undefined));
  }

  it("gives back what formatAddress() wrote", () => {
    fc.assert(fc.property(anyAddress, (address) => assert.deepEqual(parseAddress(formatAddress(address)), address)));
  });

  it("agrees with ip-address on any address", () => {
    fc.assert(fc.property(anyAddress, (a) => assert.equal(theirs(formatAddress(a)).bigInt(), a.value)));
  });

  it("agrees with ip-address on addresses with zero groups, and so does formatAddress()", () => {
    fc.assert(
      fc.property(anyIpv6Text, (text) => {
        const address = parseAddress(text);
        assert.equal(address?.value, new Address6(text).bigInt());
        if (address!.value >> 32n !== 0xffffn) assert.equal(formatAddress(address!), new Address6(text).correctForm());
      }),
    );
  });

  it("accepts only what ip-address accepts", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f:.]{0,20}$/), (text) => {
        if (parseAddress(text) !== undefined) assert.doesNotThrow(() => theirs(text));
      }),
      { numRuns: 5000 },
    );
  });
});

describe("parseCidr()", () => {
  for (const text of [
    "10.1.0.0",
    "10.1.0.0/",
    "10.1.0.0/33",
    "10.1.0.0/-1",
    "10.1.0.0/08",
    "10.1.0.0/24/24",
    "::/129",
    "/24",
  ]) {
    it(`refuses ${text}`, () => assert.equal(parseCidr(text), undefined));
  }

  it("gives back what formatCidr() wrote", () => {
    fc.assert(fc.property(anyCidr, (cidr) => assert.deepEqual(parseCidr(formatCidr(cidr)), cidr)));
  });
});

describe("networkOf() and lastOf()", () => {
  it("agree with ip-address on any network", () => {
    fc.assert(
      fc.property(anyCidr, (cidr) => {
        const other = theirs(formatCidr(cidr));
        assert.equal(networkOf(cidr).value, other.startAddress().bigInt());
        assert.equal(lastOf(cidr).value, other.endAddress().bigInt());
      }),
    );
  });
});

describe("overlaps() and contains()", () => {
  for (const [a, b, expected] of [
    ["10.1.0.0/24", "10.1.0.0/16", true],
    ["10.1.0.0/16", "10.1.7.0/24", true],
    ["10.1.0.0/24", "10.1.1.0/24", false],
    ["0.0.0.0/0", "10.0.0.0/8", true],
    ["::/0", "10.0.0.0/8", false],
    ["2001:db8::/64", "2001:db8:0:0:1::/80", true],
    ["2001:db8::/64", "2001:db8:0:1::/64", false],
  ] as const) {
    it(`${a} and ${b}: ${expected}`, () => {
      assert.equal(overlaps(parseCidr(a)!, parseCidr(b)!), expected);
      assert.equal(overlaps(parseCidr(b)!, parseCidr(a)!), expected);
    });
  }

  it("a network contains its first and last address and not the next", () => {
    fc.assert(
      fc.property(anyCidr, (cidr) => {
        const last = lastOf(cidr);
        assert.ok(contains(cidr, networkOf(cidr)) && contains(cidr, last));
        assert.ok(!contains(cidr, { ...last, value: last.value + 1n }));
      }),
    );
  });
});
