/** A phase of the set-up, on a terminal and in a log. */
import assert from "node:assert/strict";
import { phase } from "../../../scripts/setup/phase.mjs";
import { ProgramFailed, run } from "../../../scripts/setup/process.mjs";

function stream(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, write: (text: string) => written.push(text) };
}

/** As a terminal shows it at the end: what was erased is gone. */
const shown = (written: readonly string[]) =>
  written
    .join("")
    .split("\n")
    .map((line) => line.split("\r\x1b[K").at(-1))
    .join("\n");

describe("A phase of the set-up", () => {
  it("has its name in a log before it begins, and its time when it ended", async () => {
    const log = stream(false);
    const answer = await phase("bundle the code", () => `${log.written.length} lines`, log);
    assert.equal(answer, "1 lines");
    assert.match(log.written.join(""), /^ready: bundle the code …\nready: bundle the code: \d+\.\d s\n$/);
  });

  it("is one line on a terminal, which counts the seconds", async () => {
    const terminal = stream(true);
    await phase("compile", () => Bun.sleep(1200), terminal);
    assert.equal(terminal.written[0], "ready: compile …");
    assert.ok(terminal.written.some((text) => text.endsWith("compile … 1 s")));
    assert.match(shown(terminal.written), /^ready: compile … \d\.\d s\n$/);
  });

  it("says that it failed, and passes the error on", async () => {
    for (const isTTY of [true, false]) {
      const to = stream(isTTY);
      await assert.rejects(
        phase("compile", () => run("false", []), to),
        (error) => error instanceof ProgramFailed && error.message === "false: exit code 1",
      );
      assert.match(shown(to.written), /failed after \d\.\d s\n$/);
    }
  });

  it("names a program that does not exist", async () => {
    await assert.rejects(run("no-such-program", ["--x"]), /^Error: no-such-program --x: .*(ENOENT|not found)/);
  });
});
