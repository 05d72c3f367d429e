/** Every cause is planted by a test, and is in the table of the documents. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { causeCodes } from "../../../explain/path/cause.ts";

const root = join(import.meta.dirname, "../../..");

describe("Each cause of explain", () => {
  const tests = ["test/explain/**/*.test.ts", "test/cli/command/explain*.test.ts"]
    .flatMap((files) => [...new Bun.Glob(files).scanSync({ cwd: root })])
    .filter((file) => !file.endsWith("causes.test.ts"))
    .map((file) => readFileSync(join(root, file), "utf8"))
    .join("\n");
  const page = readFileSync(join(root, "docs/explain.md"), "utf8");
  for (const code of causeCodes) {
    it(`${code} is expected by a test, and explained`, () => {
      assert.ok(tests.includes(`"${code}"`), "no test of explain expects it");
      assert.ok(page.includes(`\`${code}\``), "docs/explain.md does not have it");
    });
  }
});
