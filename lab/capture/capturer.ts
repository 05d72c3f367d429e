/**
 * The process that captures, apart from the supervisor and the command, so that neither waits for the other. It is in the user
 * namespace of the lab and opens a ring in each network namespace, but it is no process of the lab: it outlives the lab for as
 * long as the end of the file takes.
 */
import { readSync, writeSync } from "node:fs";
import { code, Fault } from "../../conf/fault.ts";
import { faultOf } from "../../plugin/faults.ts";
import { errno, isKernelError, tolerating } from "../../sys/errors.ts";
import { closeNetns, enterNetns, openNetns } from "../../sys/netns.ts";
import { openRing, type PacketRing } from "../../sys/packets/ring.ts";
import { openProcess } from "../../sys/processes.ts";
import { type CaptureTask, capture } from "./capture.ts";
import type { CaptureEnd, CaptureReport, CaptureRequest, Place } from "./messages.ts";
import { Output } from "./output.ts";

const [input, output, reports] = [0, 1, 2];

/** Answers the exit code. The request comes on standard input, the packets go to standard output, the reports to standard error. */
export function captureInside(): number {
  try {
    report(captured(JSON.parse(firstLine()) as CaptureRequest));
    return 0;
  } catch (error) {
    const [fault, by] = [faultOf(error), { byHand: true }];
    report({ failed: fault.sentence(by), cure: fault.cure(by) });
    return 1;
  }
}

function captured(request: CaptureRequest): CaptureReport {
  const ends = endsOf(request);
  const sources = request.places.map((place) => ({ place, ring: ringAt(place, request.places.length) }));
  const task: CaptureTask = { ...request, sources, output: new Output(output, [...ends.keys()]), ends };
  return capture(task, (packets, lost) => report({ packets, lost }));
}

/** The descriptors that are readable once the capture is to end, the most telling first. */
function endsOf({ lab, pid, places }: CaptureRequest): Map<number, CaptureEnd> {
  const holders = new Map(places.map((place) => [place.pid, place.holder]));
  return new Map<number, CaptureEnd>([
    [input, "asked"],
    [processOf(pid, `The lab ${lab}`), "lab down"],
    ...[...holders].map(([pid, holder]) => [processOf(pid, holder), { gone: holder }] as const),
  ]);
}

function processOf(pid: number, name: string): number {
  const descriptor = pid === 0 ? undefined : tolerating(() => openProcess(pid), errno.ESRCH);
  if (descriptor !== undefined) return descriptor;
  throw new Fault(code.unknownContainer, `${name} is dead: its first process has ended`, "Bring the lab up again");
}

/** Memory for all rings, and for one: a tenth of a second of 1 Gbit/s at least, if there are few. */
const [allBytes, ringBytesMin, ringBytesMax] = [64 * 2 ** 20, 2 * 2 ** 20, 32 * 2 ** 20];

function ringAt({ pid, inode, ifname, name }: Place, places: number): PacketRing {
  const netns = openNetns(`/proc/${pid}/ns/net`);
  try {
    if (Number(netns.inode) !== inode) throw gone(name); // the pid is another process by now
    const bytes = Math.min(ringBytesMax, Math.max(ringBytesMin, allBytes / places));
    enterNetns(netns); // without a way back: an ordinary user may not enter the machine's own namespace
    return openRing(ifname, bytes);
  } catch (error) {
    if (isKernelError(error, errno.ENODEV)) throw gone(name);
    throw error;
  } finally {
    closeNetns(netns);
  }
}

const gone = (name: string) =>
  new Fault(code.unknownContainer, `There is no interface ${name} any more`, "See what differs: ns-net lab check");

function firstLine(): string {
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  while (!text.includes("\n")) {
    const length = readSync(input, buffer);
    if (length === 0) throw new Fault(code.environment, "ns-net starts lab capturer by itself", "ns-net lab capture");
    text += Buffer.from(buffer.subarray(0, length)).toString();
  }
  return text;
}

function report(line: CaptureReport): void {
  try {
    writeSync(reports, `${JSON.stringify(line)}\n`);
  } catch {
    // The command was killed, and so its end of standard input ends the capture.
  }
}
