/** `ns-net trace <from> <to>` */
import { FlowTracer } from "../../explain/live/flow/tracer.ts";
import { answer } from "../../explain/path/answer.ts";
import { writeOut } from "../../plugin/stdio.ts";
import { command, UsageError } from "../command.ts";
import { packetJson, packetText } from "../explain/packetText.ts";
import { machineFor, questionOf } from "../explain/question.ts";
import { labWords } from "../labs/cures.ts";
import { labOption, networkOptions } from "./options.ts";

export default command({
  about:
    "Print the packets between two places as they come: the interfaces that each passes, the rules that it meets, and why\nthe kernel drops it. Sends nothing, and leaves nothing: Ctrl-C ends it.",
  usage: "<from> <to>[:PORT[/udp]] [options]",
  operands: [2, 2],
  options: {
    ipv6: { type: "boolean", short: "6", about: "IPv6, where a name has addresses of both families" },
    count: { type: "string", short: "c", value: "N", about: "end after so many packets" },
    json: { type: "boolean", about: "print JSON, a line for each packet" },
    "data-dir": networkOptions["data-dir"],
    ...labOption,
  },
  more: `
FROM and TO are those of ns-net explain. Packets of both directions are printed; without a port, those of every protocol.
Of a busy flow some 50 packets a second are printed, a few of them in part, and the number of the others.

  ns-net trace web db:5432
  ns-net trace web outside --count 10
  ns-net trace outside host:8080
  ns-net trace web db --json | jq .dropped

Exit code: 0, also after Ctrl-C.`,

  async run({ options, operands }) {
    const countMax = options.count === undefined ? Number.POSITIVE_INFINITY : countOf(options.count);
    using machine = machineFor(operands, options["data-dir"]);
    const question = questionOf(machine, operands, options.ipv6);
    const { passed, addresses } = answer(machine, question);
    const { from, to } = question;
    const sender = from.is === "site" || from.is === "address" ? from.site : machine.host;
    if (sender === undefined || addresses.length === 0) throw new UsageError(unsendable(operands));
    const isOver = new AbortController();
    const end = () => isOver.abort();
    for (const signal of signals) process.on(signal, end);
    try {
      const isOfOneProtocol = question.port !== undefined;
      const isWithOutside = from.is === "outside" || to.is === "outside";
      const which = { version: question.version, isOfOneProtocol, isWithOutside, addresses };
      using tracer = new FlowTracer({ world: machine, sender, passed, ...which });
      process.stderr.write(beginning(operands, tracer));
      await print(tracer, countMax, options.json === true, isOver.signal);
      return 0;
    } finally {
      for (const signal of signals) process.off(signal, end);
    }
  },
});

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The kernel's reports are in no event loop. A person sees no delay. */
const pauseMs = 20;
const leftOutPauseMs = 1000;

async function print(tracer: FlowTracer, countMax: number, isJson: boolean, isOver: AbortSignal): Promise<void> {
  let [count, leftOut, nextMs] = [0, 0, performance.now() + leftOutPauseMs];
  const report = () => {
    const now = tracer.leftOut();
    const more = now - leftOut;
    leftOut = now;
    if (more === 0) return;
    writeOut(
      isJson ? `${JSON.stringify({ time: new Date().toISOString(), leftOut: more })}\n` : `… ${more} left out\n`,
    );
  };
  while (!isOver.aborted && count < countMax) {
    await Bun.sleep(pauseMs);
    for (const packet of tracer.read(isOver.aborted).slice(0, countMax - count)) {
      count++;
      writeOut(isJson ? packetJson(packet) : packetText(packet));
    }
    if (performance.now() < nextMs && !isOver.aborted) continue;
    report();
    nextMs = performance.now() + leftOutPauseMs;
  }
}

function beginning([from, to]: readonly string[], { sites, unseen }: FlowTracer): string {
  const where = sites.map((site) => site.where.replace(/^namespace /, "")).join(", ");
  const missing = unseen === undefined ? "" : `drop reasons are not seen: ${unseen}\n`;
  return `tracing ${from} and ${to} in ${where}; Ctrl-C ends it\n${missing}`;
}

const unsendable = ([from, to]: readonly string[]) =>
  `${from} can send no packet to ${to} at all; see why: ns-net explain ${from} ${to}${labWords()}`;

function countOf(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count > 0 && Number.isSafeInteger(count)) return count;
  throw new UsageError(`--count ${text}: give a number of packets, 1 or more`);
}
