/**
 * A full table of connection tracking. Its limit is one for the whole machine and may be set by the first namespace
 * alone, so the numbers are given here instead of planted.
 */
import assert from "node:assert/strict";
import type { Blocked } from "../../../explain/path/cause.ts";
import type { Site } from "../../../explain/path/site/site.ts";
import { refuseFullTable } from "../../../explain/path/step/tracking.ts";
import type { Walk } from "../../../explain/path/walk.ts";

const siteWith = (count: number, max: number) =>
  ({ where: "host", number: (path: string) => (path.endsWith("_count") ? count : max) }) as Site;
const walk = (isBack = false) => ({ isBack, isResolving: false, note() {} }) as unknown as Walk;

describe("refuseFullTable()", () => {
  it("names a table without room, and doubles it", () => {
    assert.throws(
      () => refuseFullTable(walk(), siteWith(65_536, 65_536)),
      ({ reason }: Blocked) =>
        reason.code === "conntrack-full" && reason.cure === "sysctl -w net.netfilter.nf_conntrack_max=131072",
    );
  });

  for (const [name, site, one] of [
    ["with room", siteWith(65_535, 65_536), walk()],
    ["that tracks nothing", siteWith(0, 0), walk()],
    ["that is full, for an answer", siteWith(9, 9), walk(true)],
  ] as const) {
    it(`lets packets pass a table ${name}`, () => refuseFullTable(one, site));
  }
});
