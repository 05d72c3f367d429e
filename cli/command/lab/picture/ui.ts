/** `ns-net lab ui` */
import { code, Fault } from "../../../../conf/fault.ts";
import type { LabState } from "../../../../lab/supervisor/state.ts";
import { writeOut } from "../../../../plugin/stdio.ts";
import { command, UsageError } from "../../../command.ts";
import { chosen, jsonOption, labOptions } from "../../../labs/options.ts";
import { type PageServer, servePage } from "../../../labs/page/server.ts";

const portDefault = 7080;
const anyPort = 0;
const portMax = 65_535;

export default command({
  about: "Show a lab live in a browser, at an address of this machine's loopback, until Ctrl-C.",
  usage: "[options]",
  operands: [0, 0],
  options: {
    ...labOptions,
    port: { type: "string", value: "N", about: `the TCP port on 127.0.0.1 (default: ${portDefault}, else a free one)` },
    ...jsonOption,
  },
  more: `
The page shows the picture of "lab graph" as the lab is now, what passes each interface, and who reaches whom; it runs the
tests and pings. Choose two pods to see what is known of the way between them.

  ns-net lab ui
  ns-net lab ui --lab shop --port 8000`,

  async run({ options }) {
    const port = options.port === undefined ? undefined : portOf(options.port);
    const state = chosen(options);
    using server = opened(state, port);
    const { lab } = state;
    const interruption = interrupted(); // from the line on that says where it is
    writeOut(options.json ? `${JSON.stringify({ lab, url: server.url })}\n` : `${lab} is at ${server.url}\n`);
    await interruption;
    return 0;
  },
});

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port > 0 && port <= portMax) return port;
  throw new UsageError(`--port ${text}: give a number from 1 to ${portMax}`);
}

/** Without a port of the user's choice, a second page takes another one. */
function opened(state: LabState, port: number | undefined): PageServer {
  try {
    return servePage(state, port ?? portDefault);
  } catch (error) {
    const { code: word } = error as NodeJS.ErrnoException;
    if (word === "EADDRINUSE" && port === undefined) return servePage(state, anyPort);
    if (word !== "EADDRINUSE" && word !== "EACCES") throw error;
    const why = word === "EACCES" ? "is for root alone" : "is in use";
    throw new Fault(code.unavailable, `Port ${port} of 127.0.0.1 ${why}`, "Choose another one, or leave --port out");
  }
}

function interrupted(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  return promise;
}
