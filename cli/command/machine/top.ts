/** `ns-net top` */
import { type Sample, sampleTraffic } from "../../../explain/namespaces/traffic.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import defer * as screen from "../../output/screen.ts";
import { hasEscapes, output } from "../../output/terminal.ts";
import { type Row, rowsOf } from "../../top/row.ts";
import { ratesTable, totalsTable } from "../../top/text.ts";

const everyMs = 1000;

export default command({
  about:
    "Show live which containers receive and send most, whichever program made them: bytes and packets a second, and\nwhat their interfaces dropped. Without a terminal, or with --once, what passed since each interface was made.",
  usage: "[options]",
  operands: [0, 0],
  options: {
    once: { type: "boolean", about: "print what passed so far, and end" },
    json: { type: "boolean", about: "print JSON once" },
  },
  more: `
The directions are the container's: IN is what it receives. The busiest is on top. q or Ctrl-C ends it.

  ns-net top
  ns-net top --once --json | jq -r '.[] | select(.drops > 0) | .container'`,

  async run({ options }) {
    if (options.json || options.once || !hasEscapes(output.standard)) {
      const sample = sampleTraffic();
      const rows = rowsOf(sample);
      const text = rows.length === 0 ? "There is no container.\n" : totalsTable(rows);
      writeOut(options.json ? `${JSON.stringify(rows.map(jsonOf), null, 2)}\n` : text);
      reportUnread(sample);
      return 0;
    }
    let before: Sample | undefined;
    let now = sampleTraffic();
    let rows = rowsOf(now);
    await screen.redraw(everyMs, ({ columns }, isTick) => {
      if (isTick && before !== undefined) now = sampleTraffic();
      if (isTick) {
        rows = rowsOf(now, before);
        before = now;
      }
      return rows.length === 0 ? "There is no container.\n" : ratesTable(rows, columns);
    });
    reportUnread(now);
    return 0;
  },
});

function jsonOf({ container, interface: name, now }: Row) {
  return {
    ...{ container, interface: name, rxBytes: now.receivedBytes, txBytes: now.sentBytes },
    ...{ rxPackets: now.receivedPackets, txPackets: now.sentPackets, drops: now.dropped },
  };
}

function reportUnread({ unread }: Sample): void {
  if (unread === 0) return;
  const what = unread === 1 ? "1 namespace is" : `${unread} namespaces are`;
  process.stderr.write(`ns-net: ${what} missing, because entering a namespace needs root\n`);
}
