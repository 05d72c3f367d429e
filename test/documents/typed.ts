/** Types pages of the documents, and compares what is printed with what they show. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { pageOf, root, withOutputs } from "./page.ts";
import { isSame } from "./same.ts";
import { typedIn } from "./session.ts";

export const isRecording = process.env.NSNET_DOCUMENTS === "record";

/** Every page, `docs/labs.md` for example. */
export const pages = ["", "docs/", "docs/learn/", "docs/decisions/", "examples/"].flatMap((folder) =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder))
        .filter((name) => name.endsWith(".md"))
        .map((name) => `${folder}${name}`)
    : [],
);

export function describePages(files: readonly string[]): void {
  describe("What the documents show", function () {
    this.timeout(120_000);

    for (const file of files) {
      const page = pageOf(file);
      if (page.typed.length === 0) continue;
      it(`is what is printed: ${file}`, function () {
        needs(this, "ns-net", "bridge", "nft nat", "curl");
        const printed = typedIn(page);
        const shown = page.typed.map((typed, i) => ({ ...typed, ...printed[i]! }));
        for (const { line, command, output, exitCode, shown: onPage } of shown)
          if (onPage === undefined) assert.equal(exitCode, 0, `${file}:${line}: ${command}\n${output}`);
        const withOutput = shown.filter((one) => one.shown !== undefined);
        if (isRecording) {
          const outputs = withOutput.map((one) =>
            isSame(one.shown!, one.output) ? one.shown! : ended(cutAs(one.shown!, one.output)),
          );
          writeFileSync(join(root, file), withOutputs(page, outputs));
          return;
        }
        for (const { line, command, output, shown: onPage } of withOutput)
          if (!isSame(onPage!, output))
            assert.equal(output, onPage, `${file}:${line}: "${command}" prints something else; see: npm run documents`);
      });
    }
  });
}

/** A page that begins an output with `...` gets the answer of `explain` alone, or else as many lines as it shows. */
function cutAs(shown: string, output: string): string {
  const wanted = shown.trimEnd().split("\n");
  if (wanted[0] !== "..." || wanted.length === 1) return output;
  const lines = output.trimEnd().split("\n");
  const answer = lines.findIndex((line) => /^(?:blocked|unsure|reachable)\b/.test(line));
  return ["...", ...lines.slice(answer < 0 ? 1 - wanted.length : answer)].join("\n");
}

const ended = (text: string) => text.replace(/[ \t]+$/gm, "").replace(/\n*$/, "") + (text.trim() === "" ? "" : "\n");
