/**
 * Lab files with mistakes: bad/NAME.yaml, and what a person reads in bad/NAME.txt. After a change on purpose, record and
 * read them again: NSNET_LAB=record npm test -- test/lab/file
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BadLabFile } from "../../../lab/file/mistakes.ts";
import { labOf } from "../../../lab/model/resolve.ts";

const folder = join(import.meta.dirname, "bad");

describe("A bad lab file", () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
    it(`is refused with every mistake at its place: ${file}`, () => {
      const source = { file, text: readFileSync(join(folder, file), "utf8") };
      const kept = join(folder, file.replace(/yaml$/, "txt"));
      let said = "";
      try {
        labOf(source);
      } catch (error) {
        if (!(error instanceof BadLabFile)) throw error;
        said = error.message;
        const starts = error.mistakes.map(({ at }) => at[0]);
        assert.deepEqual(
          starts,
          starts.toSorted((a, b) => a - b),
        );
      }
      assert.notEqual(said, "", "it was accepted");
      if (process.env.NSNET_LAB === "record") writeFileSync(kept, said);
      assert.equal(said, readFileSync(kept, "utf8"));
    });
  }
});
