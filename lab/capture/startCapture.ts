/** Starts a capture of a running lab, and passes its reports on. */
import { closeFile, writeFile } from "../../sys/libc.ts";
import { start, waitFor } from "../../sys/namespaces/start.ts";
import { openPipe, openProcess } from "../../sys/processes.ts";
import { capturedAt, inspect } from "../supervisor/client.ts";
import { ownWords } from "../supervisor/ownProgram.ts";
import type { LabState } from "../supervisor/state.ts";
import type { CaptureReport, CaptureRequest, Place } from "./messages.ts";

/** The interfaces that words such as `web@front` mean. Throws Fault. */
export async function placesOf(state: LabState, words: readonly string[]): Promise<Place[]> {
  const captured = await capturedAt(state, words);
  const { hosts, outside, pods } = await inspect(state);
  const holders = new Map([...hosts, ...pods, ...(outside ? [outside] : [])].map((one) => [one.name, one]));
  return captured.map((one) => {
    const { pid, inode } = holders.get(one.holder)!;
    return { ...one, pid, inode };
  });
}

export interface RunningCapture extends AsyncIterable<CaptureReport> {
  /** Ends it; its last report follows. */
  end(): void;
}

/** Captures into an open file or pipe. The last report is about the end. Throws Fault if it cannot start. */
export function startCapture(
  state: LabState,
  request: Omit<CaptureRequest, "lab" | "pid">,
  output: number,
): RunningCapture {
  const [input, writing] = openPipe();
  const [reading, reports] = openPipe();
  let isEnded = false;
  const end = () => {
    if (!isEnded) closeFile(writing);
    isEnded = true;
  };
  try {
    const pid = started(state.pid, [input, output, reports]);
    writeFile(writing, new TextEncoder().encode(`${JSON.stringify({ lab: state.lab, pid: state.pid, ...request })}\n`));
    return { end, [Symbol.asyncIterator]: () => reportsOf(reading, pid, end) };
  } catch (error) {
    end();
    closeFile(reading);
    throw error;
  } finally {
    closeFile(input);
    closeFile(reports);
  }
}

function started(lab: number, streams: readonly [number, number, number]): number {
  const isRoot = process.geteuid!() === 0;
  const fd = openProcess(lab);
  try {
    return start({
      enter: isRoot ? [] : [{ fd, kinds: ["user"] }],
      program: {
        paths: [process.execPath],
        words: [...ownWords(), "lab", "capturer"],
        environment: process.env,
      },
      streams,
      session: true, // Ctrl-C is for the command, which ends it
    });
  } finally {
    closeFile(fd);
  }
}

async function* reportsOf(reading: number, pid: number, end: () => void): AsyncGenerator<CaptureReport> {
  const decoder = new TextDecoder();
  let begun = "";
  let isOver = false;
  try {
    for await (const chunk of Bun.file(reading).stream()) {
      const lines = (begun + decoder.decode(chunk, { stream: true })).split("\n");
      begun = lines.pop()!;
      for (const report of lines.map(reportOf)) {
        isOver ||= !("packets" in report);
        yield report;
      }
    }
  } finally {
    end();
    waitFor(pid);
  }
  if (!isOver) yield { failed: "The process that captures was killed", cure: "Start the capture again" };
}

/** Else it is the last word of a process that crashed. */
function reportOf(line: string): CaptureReport {
  try {
    return JSON.parse(line) as CaptureReport;
  } catch {
    return { failed: `The process that captures ended: ${line}`, cure: "" };
  }
}
