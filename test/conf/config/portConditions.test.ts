import assert from "node:assert/strict";
import { conditionsOf } from "../../../conf/config/portConditions.ts";
import { refuses } from "../refuses.ts";

const told = (words: readonly string[], key: "conditionsV4" | "conditionsV6" = "conditionsV4") =>
  conditionsOf(words, key).map(({ field, isNot, value, or = [] }) => {
    return `${field} ${isNot ? "not " : ""}${[value, ...or].join(" or ")}`;
  });

describe("conditionsV4 and conditionsV6", () => {
  for (const [words, expected] of [
    [[], []],
    [["!", "-d", "192.0.2.0/24"], ["destination not 192.0.2.0/24"]],
    [["! -d 192.0.2.0/24"], ["destination not 192.0.2.0/24"]],
    [
      ["-s", "192.0.2.7", "!", "--in-interface", "eth1"],
      ["source 192.0.2.7/32", "interface not eth1"],
    ],
    [["--source", "192.0.2.7/24"], ["source 192.0.2.0/24"]],
    [["ip", "daddr", "!=", "192.0.2.0/24"], ["destination not 192.0.2.0/24"]],
    [["ip saddr { 10.0.0.0/8, 192.168.0.0/16 }"], ["source 10.0.0.0/8 or 192.168.0.0/16"]],
    [
      ["ip", "saddr", "{10.0.0.0/8,192.168.0.0/16,}", "ip daddr 192.0.2.1"],
      ["source 10.0.0.0/8 or 192.168.0.0/16", "destination 192.0.2.1/32"],
    ],
    [['iifname { "eth0", "eth1" }'], ["interface eth0 or eth1"]],
    [
      ["ip daddr != { 192.0.2.0/24, 198.51.100.7 }"],
      ["destination not 192.0.2.0/24", "destination not 198.51.100.7/32"],
    ],
    [["-s", "10.0.0.0/8,192.168.0.0/16"], ["source 10.0.0.0/8 or 192.168.0.0/16"]],
    [['ip saddr == 10.0.0.0/8 iifname "eth1"'], ["source 10.0.0.0/8", "interface eth1"]],
  ] as const) {
    it(`understand ${JSON.stringify(words)}`, () => assert.deepEqual(told(words), expected));
  }

  it("must have addresses of their family", () => {
    assert.deepEqual(told(["!", "-s", "2001:db8::1/32"], "conditionsV6"), ["source not 2001:db8::/32"]);
    assert.deepEqual(told(["ip6 daddr 2001:db8::7"], "conditionsV6"), ["destination 2001:db8::7/128"]);
    refuses(() => told(["-s", "2001:db8::/32"]), 7, "conditionsV4", "2001:db8::/32", "an IPv4 network");
    refuses(() => told(["-s", "192.0.2.0/24"], "conditionsV6"), 7, "conditionsV6", "an IPv6 network");
  });

  for (const words of [
    ["-m", "time", "--timestart", "10:00"],
    ["-d"],
    ["!"],
    ["ip", "ttl", "1"],
    ["ip6 daddr 2001:db8::/32"],
    ["daddr 192.0.2.1"],
    ["ip iifname eth0"],
    ["tcp flags syn"],
    ["ip saddr { 10.0.0.0/8, 192.168.0.0/16"],
    ["ip saddr {}"],
    ["ip saddr { }"],
  ]) {
    it(`refuse ${JSON.stringify(words)} instead of ignoring them`, () => {
      refuses(() => told(words), 2, "conditionsV4", words[0]!.split(" ")[0]!, "-s, -d and -i");
    });
  }

  it("refuse a word that is no address and no interface", () => {
    refuses(() => told(["-d", "192.0.2.0/33"]), 7, "192.0.2.0/33");
    refuses(() => told(["-i", "a/b"]), 7, "a/b");
    refuses(() => told(["ip saddr @trusted"]), 7, "@trusted");
    refuses(() => told(["ip saddr { 10.0.0.0/8, }}"]), 7, "}");
  });
});
