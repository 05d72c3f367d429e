/** Progress on a real terminal; the work is synchronous, as most of ours. */
import assert from "node:assert/strict";
import { onTerminal } from "../../support/terminal.ts";

const files = `${import.meta.dirname}/../../../cli/output`;

/** Words that run a script with the files of cli/output/ at hand. */
const script = (body: string) => [
  process.execPath,
  "-e",
  `import { progress, waiting } from "${files}/progress.ts"; import { coloured } from "${files}/colour.ts"; ${body}`,
];

const work = (stepMs: number) =>
  `{ using shown = progress("collecting", 10); for (let i = 0; i < 10; i++) { shown.at(i, "net" + i); Bun.sleepSync(${stepMs}); } }`;

describe("progress", () => {
  it("shows n of m after half a second, within the terminal's width, and is erased at the end", async () => {
    const { code, text } = await onTerminal(script(`${work(150)} console.log("done")`), { columns: 40 });
    assert.equal(code, 0, text);
    assert.match(text, /collecting 9 of 10 {2}█+░/);
    assert.doesNotMatch(text, / 1 of 10/);
    for (const line of text.split(/[\r\n]/)) assert.ok(Bun.stripANSI(line).length < 40, line);
    assert.ok(text.endsWith("\r\x1b[Kdone\n"), JSON.stringify(text));
  });

  it("shows nothing for quick work, in a pipe, and on a terminal without escape sequences", async () => {
    assert.equal((await onTerminal(script(`${work(1)} console.log("done")`))).text, "done\n");
    assert.equal((await onTerminal(script(work(100)), { env: { TERM: "dumb" } })).text, "");
    assert.equal(Bun.spawnSync(script(work(100))).stderr.toString(), "");
  });

  it("shows what is waited for, and for how long", async () => {
    const body = '{ using _ = waiting(() => "waits for process 42"); await Bun.sleep(1200); }';
    const { text } = await onTerminal(script(body));
    assert.match(text, /waits for process 42 \(1 s\)/);
    assert.ok(text.endsWith("\r\x1b[K"), JSON.stringify(text));
  });
});

describe("colours", () => {
  const body = 'process.stdout.write(coloured("bad", "gone"))';

  it("appear on a terminal, and not in a pipe, with NO_COLOR, or on a terminal without them", async () => {
    assert.equal((await onTerminal(script(body))).text, "\x1b[31mgone\x1b[39m");
    assert.equal((await onTerminal(script(body), { env: { NO_COLOR: "" } })).text, "\x1b[31mgone\x1b[39m");
    assert.equal((await onTerminal(script(body), { env: { NO_COLOR: "1" } })).text, "gone");
    assert.equal((await onTerminal(script(body), { env: { TERM: "dumb" } })).text, "gone");
    assert.equal(Bun.spawnSync(script(body)).stdout.toString(), "gone");
  });
});
