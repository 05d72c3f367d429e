/** The parts of documents that are made from the sources are up to date. `npm run documents` makes them again. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { madeFiles, textOf, withRegions } from "../../scripts/documents/parts.ts";
import { pageFrom, root, withOutputs } from "./page.ts";
import { isRecording, pages } from "./typed.ts";

/** Without what the commands print. */
const bare = (text: string) => withOutputs(pageFrom("", text), undefined);

describe("The documents are made from the sources", () => {
  it("whole files", async () => {
    for (const [file, text] of await madeFiles()) {
      if (isRecording && bare(textOf(file)) !== text) writeFileSync(join(root, file), text);
      assert.equal(bare(textOf(file)), text, `${file} is out of date: npm run documents`);
    }
  });

  it("parts of pages", () => {
    for (const file of pages) {
      const text = textOf(file);
      if (isRecording && withRegions(text) !== text) writeFileSync(join(root, file), withRegions(text));
      assert.equal(textOf(file), withRegions(text), `${file} is out of date: npm run documents`);
    }
  });
});
