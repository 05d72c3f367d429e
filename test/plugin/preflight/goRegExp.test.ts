/** Patterns of Go's regexp package, as administrators of the reference's tuning write them. */
import assert from "node:assert/strict";
import { goRegExp } from "../../../plugin/preflight/goRegExp.ts";

describe("goPattern()", () => {
  for (const [pattern, yes, no] of [
    ["^net\\.core\\.[[:alnum:]]+$", "net.core.somaxconn", "net.core.rmem_max"],
    ["^net\\.core\\.[[:alnum:]_]+$", "net.core.rmem_max", "net.core."],
    ["^[^[:digit:].]+$", "somaxconn", "net1"],
    ["^[[:xdigit:][:blank:]]+$", "beef 1", "beeg"],
    ["^[[:punct:]]$", "]", "a"],
    ["(?i)^NET\\.core", "net.Core.somaxconn", "ipv4.net.core"],
    ["\\Anet\\.core\\z", "net.core", "net.core.x"],
    ["^net\\.(?P<room>core|ipv4)\\.", "net.ipv4.x", "net.ipv6.x"],
    ["^net\\.(?:core|ipv4)\\.", "net.ipv4.x", "net.ipv6.x"],
    ["^[]a]+$", "]a]", "b"],
    ["^[^]a]+$", "bc", "b]"],
    ["^a[[]b$", "a[b", "ab"],
    ["net\\/core\\-\\_", "net/core-_", "netcore"],
    ["^\\x6eet\\.\\w{4}\\.", "net.core.x", "net.ipv6s.x"],
    ["(?s)^a.b$", "a\nb", "ab"],
  ] as const) {
    it(`${pattern} allows ${JSON.stringify(yes)} and not ${JSON.stringify(no)}`, () =>
      assert.deepEqual([goRegExp(pattern).test(yes), goRegExp(pattern).test(no)], [true, false]));
  }

  for (const pattern of [
    ..."net.(|[[:nothing:]]|[[:^alpha:]]|(?=net)|(?!net)|(?<=net)|(?i:net)|(?U)net|net(?i)".split("|"),
    ..."\\pL|\\Qnet\\E|(a)\\1|\\x{41}|[z-a]|a\\".split("|"),
  ]) {
    it(`${pattern} is refused`, () => assert.throws(() => goRegExp(pattern), SyntaxError));
  }
});
