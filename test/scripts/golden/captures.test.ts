/** The captures are complete: each names its command and parses into messages of the lengths in their headers. */
import assert from "node:assert/strict";
import { captures } from "../../../scripts/golden/captures.ts";
import { golden, goldenNames } from "../../support/golden.ts";

describe("golden captures", () => {
  it("are those that scripts/golden/captures.ts lists", () => {
    assert.deepEqual(goldenNames(), captures.map(({ name }) => name).sort());
  });

  for (const { name, command } of captures) {
    it(`${name} has what its command sent`, () => {
      const capture = golden(name);
      assert.ok(capture.command.includes(command));
      assert.ok(capture.messages.length > 0);
    });
  }
});
