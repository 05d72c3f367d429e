/**
 * A line on standard error for what takes longer than half a second: `collecting 12 of 50  ████░░░  podnet`. Only on a terminal,
 * and erased at the end. Most of our work is synchronous, so no timer could draw: each report of progress draws.
 */
import { hasEscapes, output, widthOf } from "./terminal.ts";

export interface Progress extends Disposable {
  /** `done` of `total` things are done; `now` names the one that is worked on. */
  at(done: number, now?: string, total?: number): void;
}

const quietMs = 500;
const pauseMs = 100;
const barWidth = 20;
/** ECMA-48: return to the beginning of the line, and erase it. */
const eraseLine = "\r\x1b[K";

/** `what` is a word for the work; `total` is the number of things, if it is known at the beginning. */
export function progress(what: string, total?: number): Progress {
  if (!hasEscapes(output.error)) return silent;
  let nextMs = performance.now() + quietMs;
  let isShown = false;
  return {
    at(done, now = "", all = total) {
      const nowMs = performance.now();
      if (nowMs < nextMs) return;
      nextMs = nowMs + pauseMs;
      isShown = true;
      process.stderr.write(eraseLine + lineOf(what, done, all, now).slice(0, widthOf(output.error) - 1));
    },
    [Symbol.dispose]() {
      if (isShown) process.stderr.write(eraseLine);
      isShown = false;
    },
  };
}

const silent: Progress = { at() {}, [Symbol.dispose]() {} };

const redrawMs = 250;

/**
 * Shows what is waited for, and for how long, until the answer is disposed of. For work that leaves the event loop free.
 * `what` is asked again and again, because the holder may change.
 */
export function waiting(what: () => string): Disposable {
  if (!hasEscapes(output.error)) return silent;
  const startMs = performance.now();
  const shown = progress("");
  const timer = setInterval(() => {
    const passedMs = performance.now() - startMs;
    if (passedMs >= quietMs) shown.at(0, `${what()} (${Math.floor(passedMs / 1000)} s)`);
  }, redrawMs);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      shown[Symbol.dispose]();
    },
  };
}

/** The numbers come first, because a narrow terminal cuts the end. */
function lineOf(what: string, done: number, total: number | undefined, now: string): string {
  if (!total) return [what, now].filter(Boolean).join("  ");
  const filled = Math.round((Math.min(done, total) / total) * barWidth);
  return `${what} ${done} of ${total}  ${"█".repeat(filled)}${"░".repeat(barWidth - filled)}  ${now}`;
}
