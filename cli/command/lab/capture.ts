/** `ns-net lab capture POD…` */
import { closeSync, openSync } from "node:fs";
import { code, Fault } from "../../../conf/fault.ts";
import type { CaptureEnd, CaptureReport, Place, PlaceCounts } from "../../../lab/capture/messages.ts";
import { placesOf, type RunningCapture, startCapture } from "../../../lab/capture/startCapture.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command, UsageError } from "../../command.ts";
import { chosen, jsonOption, labOptions } from "../../labs/options.ts";
import { progress } from "../../output/progress.ts";
import { isTerminal, output } from "../../output/terminal.ts";

declare const NSNET_VERSION: string;
const program = `ns-net ${typeof NSNET_VERSION === "string" ? NSNET_VERSION : "development"}`;

const placesMax = 1000;

export default command({
  about: "Capture the packets of several interfaces into one pcapng file, which Wireshark opens.",
  usage: "<pod[@network]> … -w <file> [options]",
  operands: [1, placesMax],
  options: {
    ...labOptions,
    write: { type: "string", short: "w", value: "FILE", about: 'the file; "-" is standard output' },
    count: { type: "string", short: "c", value: "N", about: "end after so many packets" },
    ...jsonOption,
  },
  more: `
A pod alone is all of its interfaces. "host" is the bridges of the lab's host, and "outside" the simulated world. In the
file each interface has its name, such as web@front. Packets are in the order of time. Ctrl-C ends the capture.

  ns-net lab capture web api@back -w shop.pcapng
  ns-net lab capture r1@r2 host@front -c 20 -w -  | tshark -r -
  ns-net lab capture web -w - | wireshark -k -i -`,

  async run({ options, operands }) {
    const { write: file = "-", json = false } = options;
    const packetsMax = options.count === undefined ? undefined : countOf(options.count);
    if (file === "-" && isTerminal(output.standard))
      throw new UsageError("a terminal cannot show packets: give -w FILE, or a pipe: | tshark -r -");
    if (file === "-" && json) throw new UsageError("--json needs -w FILE: the packets are on standard output");
    const state = chosen(options);
    const places = await placesOf(state, operands);
    const descriptor = file === "-" ? output.standard : opened(file);
    const capturing = startCapture(state, { places, packetsMax, program }, descriptor);
    if (file !== "-") closeSync(descriptor);
    const { ended, places: counts } = await lastOf(capturing, places, packetsMax);
    process.stderr.write(textOf(counts, file));
    if (json) writeOut(`${JSON.stringify({ lab: state.lab, file, ended, interfaces: counts }, null, 2)}\n`);
    const [exitCode, sentence] = meaningOf(ended, state.lab);
    if (sentence) process.stderr.write(`ns-net: ${sentence}\n`);
    return exitCode;
  },
});

function countOf(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count > 0 && Number.isSafeInteger(count)) return count;
  throw new UsageError(`--count ${text}: give a number of packets, 1 or more`);
}

function opened(file: string): number {
  try {
    return openSync(file, "w");
  } catch (error) {
    const { code: why } = error as NodeJS.ErrnoException;
    throw new Fault(
      code.io,
      `Cannot write ${file}: ${why}`,
      "Choose a file in a folder that exists and may be written",
    );
  }
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

type Last = Extract<CaptureReport, { readonly ended: CaptureEnd }>;

/** Shows the counts until the last report. Signals end the capture. Throws Fault if it failed. */
async function lastOf(
  capturing: RunningCapture,
  places: readonly Place[],
  packetsMax: number | undefined,
): Promise<Last> {
  using shown = progress("capturing", packetsMax);
  for (const signal of signals) process.on(signal, capturing.end);
  try {
    for await (const report of capturing) {
      if ("failed" in report) throw new Fault(code.io, report.failed, report.cure);
      if ("ended" in report) return report;
      const lost = report.lost > 0 ? `, ${report.lost} lost` : "";
      shown.at(
        report.packets,
        `${counted(report.packets, "packet")}${lost} from ${places.map(({ name }) => name).join(" ")}`,
      );
    }
    throw new Error("A capture ended without a report");
  } finally {
    for (const signal of signals) process.off(signal, capturing.end);
  }
}

/** Counts of the packets in the file, and of those that are not. */
function textOf(counts: readonly PlaceCounts[], file: string): string {
  const sum = (of: "packets" | "lost") => counts.reduce((all, one) => all + one[of], 0);
  const each = counts.map(({ name, packets }) => `${name} ${packets}`).join(", ");
  const where = file === "-" ? "" : ` in ${file}`;
  const lost = counts.filter((one) => one.lost > 0).map((one) => `${one.lost} of ${one.name}`);
  const loss =
    lost.length > 0 ? `${counted(sum("lost"), "packet")} lost, because writing was too slow: ${lost.join(", ")}\n` : "";
  return `${counted(sum("packets"), "packet")}${where}: ${each}\n${loss}`;
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

/** The exit code, and what a person should know. */
function meaningOf(ended: CaptureEnd, lab: string): readonly [number, string?] {
  if (ended === "lab down") return [1, `the capture ended, because the lab ${lab} went down`];
  if (typeof ended === "object") return [1, `the capture ended, because ${ended.gone} is gone`];
  return [0];
}
