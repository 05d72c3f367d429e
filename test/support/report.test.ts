/** The end of a run: failures with one message are one, the lowest folder first, the message before the stack. */
import assert from "node:assert/strict";
import type { Outcome } from "./outcome.ts";
import { printSummary } from "./report.ts";

/** The summary, without colours. */
function printed(outcomes: readonly Outcome[], withSkips: boolean): string {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    printSummary(outcomes, withSkips);
  } finally {
    console.log = log;
  }
  return Bun.stripANSI(lines.join("\n"));
}

const outcome = (file: string, ...texts: string[]): Outcome => ({
  file,
  passed: 1,
  failures: texts.map((text, i) => ({ title: `test ${i + 1}`, text })),
  skips: [{ title: "with a VLAN", reason: "no vlan" }],
  durationMs: 1,
});

describe("The report of a run", () => {
  it("begins with failures in the lowest folder, and prints a shared message once", () => {
    const noFile = (place: string) => `Error: no such file\n    at ${place}`;
    const text = printed(
      [
        outcome("test/cli/a.test.ts", noFile("cli"), "Error: other"),
        outcome("test/ip/a.test.ts", ...Array.from({ length: 6 }, () => noFile("ip"))),
      ],
      false,
    );
    const tests = Array.from({ length: 5 }, (_, i) => `failed  test ${i + 1}  test/ip/a.test.ts\n`).join("");
    assert.equal(
      text,
      `\n${tests}        and 2 more with the same message\n    Error: no such file\n        at ip\n` +
        `\nfailed  test 2  test/cli/a.test.ts\n    Error: other\n\n2 passed, 8 failed, 2 skipped`,
    );
  });

  it("names the skipped tests unless it is asked for failures only", () => {
    assert.match(printed([outcome("test/ip/a.test.ts")], true), /skipped, no vlan:\n {2}with a VLAN/);
    assert.equal(printed([outcome("test/ip/a.test.ts")], false), "\n1 passed, 0 failed, 1 skipped");
  });
});
