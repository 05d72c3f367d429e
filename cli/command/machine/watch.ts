/** `ns-net watch` */
import type { Change } from "../../../explain/watch/event.ts";
import { watchKernel } from "../../../explain/watch/watch.ts";
import { writeBytes } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { coloured, type Style } from "../../output/colour.ts";

export default command({
  about:
    "Print a line for each change, as the kernel reports it, until Ctrl-C: attachments, links, addresses, routes, and\nrules of nf_tables with the program that changed them; on the host and in the namespaces that its veths lead to.",
  usage: "[options]",
  operands: [0, 0],
  options: { json: { type: "boolean", about: "print a line of JSON for each change" } },
  more: `
Link-local addresses of IPv6 and routes that the kernel makes by itself are left out.

  ns-net watch
  ns-net watch --json | jq -r 'select(.about == "rules") | .says'`,

  run({ options }) {
    const encoder = new TextEncoder();
    watchKernel({
      onReady(seesOthers) {
        if (!seesOthers)
          process.stderr.write("ns-net: containers are not seen, because listening to them needs root\n");
        if (!options.json) process.stderr.write("ns-net: watching; Ctrl-C ends it\n");
      },
      onChange: (change) => writeBytes(encoder.encode(options.json ? jsonOf(change) : lineOf(change))),
    });
    return 0;
  },
});

function jsonOf({ atMs, about, where, what, says }: Change): string {
  return `${JSON.stringify({ time: new Date(atMs).toISOString(), about, where, what, says })}\n`;
}

const styles: Partial<Readonly<Record<Change["what"], Style>>> = {
  added: "good",
  up: "good",
  removed: "bad",
  down: "bad",
  lost: "unsure",
};
const [aboutWidth, whatWidth, whereWidth] = [10, 7, 16];

/** `12:34:56.789  web  address  removed  10.1.0.2/24 on eth0` */
function lineOf({ atMs, about, where, what, says }: Change): string {
  const time = new Date(atMs - new Date(atMs).getTimezoneOffset() * 60_000).toISOString().slice(11, 23);
  // A container chooses some of the names.
  const [place, text] = [where, says].map((one) => one.replace(/\p{Cc}/gu, "?"));
  const word = coloured(styles[what], what.padEnd(whatWidth));
  return `${coloured("faint", time)}  ${place!.padEnd(whereWidth)}  ${about.padEnd(aboutWidth)}  ${word}  ${text}\n`;
}
