/**
 * A tracefs instance of this process, `ns-net-PID`: events and a buffer of their own, beside those of other programs. It
 * would stay if this process is killed, so each of our commands that traces removes those that nothing holds open.
 */
import { mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { errno, KernelError, tolerating } from "../../../sys/errors.ts";
import { openFlag, readText, statusIfThere, writeText } from "../../../sys/files.ts";
import { closeFile, openFile, readFile } from "../../../sys/libc.ts";
import { openTracefs, type Tracefs } from "../../../sys/tracefs.ts";
import { eventIn, type KernelEvent } from "./event.ts";

const prefix = "ns-net-";
/** For each CPU. */
const bufferKiB = 512;
const readBytes = 64 * 1024;
/** Another command may remove the new folder before it is held open. */
const attemptsMax = 16;

/** `skb/kfree_skb`, and which of these events the kernel records: a filter of tracefs, or all. */
export interface Wanted {
  readonly event: string;
  readonly filter?: string;
}

export class TracingInstance implements Disposable {
  /** Events that the buffer had no room for. */
  lost = 0;
  readonly #tracefs: Tracefs;
  readonly #folder: string;
  readonly #pipe: number;
  readonly #buffer = new Uint8Array(readBytes);
  #begun = "";

  /** Throws KernelError if this process may not trace. Events that this kernel does not have are left out. */
  constructor(wanted: readonly Wanted[]) {
    this.#tracefs = openTracefs();
    try {
      [this.#folder, this.#pipe] = opened(`${this.#tracefs.folder}/instances`);
    } catch (error) {
      this.#tracefs[Symbol.dispose]();
      throw error;
    }
    try {
      this.#set("buffer_size_kb", String(bufferKiB));
      this.#set("trace_clock", "mono");
      for (const { event, filter } of wanted) {
        const folder = `events/${event}`;
        if (statusIfThere(`${this.#folder}/${folder}`) === undefined) continue;
        if (filter !== undefined) this.#set(`${folder}/filter`, filter);
        this.#set(`${folder}/enable`, "1");
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #set(file: string, value: string): void {
    writeText(`${this.#folder}/${file}`, value);
  }

  /** True if the kernel says why it drops packets: since Linux 5.17. */
  get hasReasons(): boolean {
    const format = `${this.#folder}/events/skb/kfree_skb/format`;
    return (tolerating(() => readText(format), errno.ENOENT) ?? "").includes("reason");
  }

  /** Writes a word among the events; it has the time, and the number of this process in the first PID namespace. */
  mark(word: string): void {
    this.#set("trace_marker", word);
  }

  /** The events since the last call. */
  read(): KernelEvent[] {
    const events: KernelEvent[] = [];
    for (;;) {
      const length = tolerating(() => readFile(this.#pipe, this.#buffer), errno.EAGAIN);
      if (!length) return events;
      const lines = (this.#begun + new TextDecoder().decode(this.#buffer.subarray(0, length))).split("\n");
      this.#begun = lines.pop()!;
      for (const text of lines) {
        const event = eventIn(text);
        if (typeof event === "number") this.lost += event;
        else if (event !== undefined) events.push(event);
      }
    }
  }

  close(): void {
    closeFile(this.#pipe);
    removed(this.#folder);
    this.#tracefs[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A new instance, held open by its pipe, and the folder of it. */
function opened(instances: string): [folder: string, pipe: number] {
  sweep(instances);
  for (let attempt = 1; ; attempt++) {
    const folder = made(instances);
    try {
      return [folder, openFile(`${folder}/trace_pipe`, openFlag.readOnly | openFlag.nonBlocking)];
    } catch (error) {
      removed(folder);
      if (attempt === attemptsMax) throw error;
    }
  }
}

/** A process of another PID namespace may have the same number: then the name has one more. */
function made(instances: string): string {
  for (let count = 1; ; count++) {
    const folder = `${instances}/${prefix}${process.pid}${count === 1 ? "" : `-${count}`}`;
    try {
      mkdirSync(folder);
      return folder;
    } catch (error) {
      const { errno: number = 0, code } = error as NodeJS.ErrnoException;
      if (code !== "EEXIST") throw new KernelError(`create ${folder}`, Math.abs(number));
    }
  }
}

/** Removes the instances of ours that no process has open: the kernel refuses the others (EBUSY). */
export function sweep(instances: string): void {
  for (const name of readdirSync(instances)) if (name.startsWith(prefix)) removed(`${instances}/${name}`);
}

/** False if a process has the instance open. */
function removed(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
