/**
 * The oracle: what the verbs send to the kernel, answer and store equals the recording, byte for byte. A change that
 * keeps the behaviour must keep this test. A change of behaviour records again with `npm run oracle`, and its review
 * reads the difference.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { recordingOf } from "./recording.ts";
import { scenarios } from "./scenarios.ts";

const folder = join(import.meta.dirname, "recorded");
const isRecording = process.env.NSNET_ORACLE === "record";

/** The first lines that differ, for a readable failure. */
function difference(recorded: string, played: string): string {
  const [before, now] = [recorded.split("\n"), played.split("\n")];
  const at = now.findIndex((line, i) => line !== before[i]);
  const section = now.slice(0, at).findLast((line) => line.startsWith("###")) ?? "the beginning";
  const shown = (lines: string[]) =>
    lines
      .slice(at, at + 3)
      .map((line) => line.slice(0, 400))
      .join("\n");
  return `line ${at + 1}, in ${section}\nrecorded:\n${shown(before)}\nplayed:\n${shown(now)}`;
}

describe("The oracle", function () {
  this.timeout(60_000);

  for (const scenario of scenarios) {
    it(`${scenario.name} is as recorded`, async function () {
      needs(this, ...scenario.needs);
      const played = await recordingOf(scenario);
      const file = Bun.file(join(folder, `${scenario.name}.txt`));
      if (isRecording) {
        await Bun.write(file, played);
        return;
      }
      assert.ok(await file.exists(), `${scenario.name} was never recorded: npm run oracle`);
      const recorded = await file.text();
      if (recorded !== played) assert.fail(difference(recorded, played));
    });
  }
});
