/** Every check of doctor is planted by a test, and is in the table of its page. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checks } from "../../../../explain/doctor/checks/index.ts";

/** No test can take these from the machine: limits of the whole kernel, and a kernel without a feature. */
const notPlanted = ["kernel-features", "conntrack", "neighbours"];

describe("docs/doctor.md", () => {
  const here = import.meta.dirname;
  const page = readFileSync(join(here, "../../../../docs/doctor.md"), "utf8");
  const tests = readdirSync(here)
    .filter((file) => file.startsWith("doctor") && file !== "doctorPage.test.ts")
    .map((file) => readFileSync(join(here, file), "utf8"))
    .join("\n");

  it("has a row for each check, in their order", () => {
    const rows = [...page.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(([, id]) => id);
    assert.deepEqual(
      rows,
      checks.map(({ id }) => id),
    );
  });

  for (const { id } of checks)
    if (!notPlanted.includes(id))
      it(`${id} has a test`, () => assert.ok(tests.includes(`"${id}"`), "no test of doctor expects it"));
});
