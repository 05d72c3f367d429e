/** A terminal that a command redraws until a person ends it: the other screen, without a cursor, put back at the end. */
import { writeOut } from "../../plugin/stdio.ts";
import { terminalRows } from "../../sys/terminal.ts";
import { isTerminal, output, widthOf } from "./terminal.ts";

/** xterm's and ECMA-48: the other screen, the cursor, home, erase to the end of the line, and of the screen. */
const codes = {
  enter: "\x1b[?1049h\x1b[?25l",
  leave: "\x1b[?25h\x1b[?1049l",
  home: "\x1b[H",
  eraseLine: "\x1b[K",
  eraseBelow: "\x1b[J",
};
const rowsDefault = 24;
const standardInput = 0;
const controlC = "\x03";

interface Size {
  readonly columns: number;
  readonly rows: number;
}

/**
 * Draws at once, every `everyMs`, and when the terminal's size changes, until q, Ctrl-C or a signal. `draw` answers the
 * lines; those that do not fit are left out.
 */
export async function redraw(everyMs: number, draw: (size: Size, isTick: boolean) => string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const show = (isTick: boolean) => {
    const size = { columns: widthOf(output.standard), rows: terminalRows(output.standard) || rowsDefault };
    const lines = draw(size, isTick).trimEnd().split("\n").slice(0, size.rows);
    writeOut(`${codes.home}${lines.map((line) => `${line}${codes.eraseLine}`).join("\r\n")}${codes.eraseBelow}`);
  };
  const end = () => resolve();
  const onKey = (bytes: Buffer) => {
    const text = bytes.toString();
    if (text.includes("q") || text.includes(controlC)) end();
  };
  const resized = () => show(false);
  const hasKeys = isTerminal(standardInput);
  writeOut(codes.enter);
  if (hasKeys) {
    process.stdin.setRawMode(true);
    process.stdin.on("data", onKey);
    process.stdin.resume();
  }
  const endings = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of endings) process.on(signal, end);
  process.on("SIGWINCH", resized);
  let failure: unknown;
  let timer: ReturnType<typeof setInterval> | undefined;
  try {
    show(true);
    timer = setInterval(() => {
      try {
        show(true);
      } catch (error) {
        failure = error;
        end();
      }
    }, everyMs);
    await promise;
    if (failure !== undefined) throw failure;
  } finally {
    clearInterval(timer);
    for (const signal of endings) process.off(signal, end);
    process.off("SIGWINCH", resized);
    if (hasKeys) {
      process.stdin.off("data", onKey);
      process.stdin.setRawMode(false);
      process.stdin.pause();
    }
    writeOut(codes.leave);
  }
}
