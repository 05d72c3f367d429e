/**
 * The report of a run: a line a file, the skipped tests with reasons, the failures, and the totals as the last line.
 */
import type { Outcome } from "./outcome.ts";

const colour = process.stdout.isTTY && !("NO_COLOR" in process.env);
const paint = (code: number) => (text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
const [red, green, yellow, dim] = [31, 32, 33, 2].map(paint) as [Paint, Paint, Paint, Paint];
type Paint = (text: string) => string;

const indent = (text: string, by: string) => text.replace(/^(?=.)/gm, by);

export function printFile({ file, passed, failures, skips, durationMs }: Outcome): void {
  const mark = failures.length > 0 ? red("✗") : green("✓");
  const counts = [`${passed} passed`];
  if (failures.length > 0) counts.push(red(`${failures.length} failed`));
  if (skips.length > 0) counts.push(yellow(`${skips.length} skipped`));
  console.log(`${mark} ${file}  ${counts.join(", ")}  ${dim(`${Math.round(durationMs)} ms`)}`);
}

/** Skipped tests by reason, so that one missing kernel feature is one item. */
function printSkips(outcomes: readonly Outcome[]): void {
  const byReason = new Map<string, string[]>();
  for (const { file, skips } of outcomes) {
    for (const { title, reason } of skips) {
      byReason.set(reason, [...(byReason.get(reason) ?? []), `${title}  ${dim(file)}`]);
    }
  }
  for (const [reason, titles] of byReason) {
    console.log(`\n${yellow("skipped")}, ${reason}:`);
    for (const title of titles) console.log(`  ${title}`);
  }
}

function printFailures(outcomes: readonly Outcome[]): void {
  for (const { file, failures } of outcomes) {
    for (const { title, text } of failures) {
      console.log(`\n${red("failed")}  ${title}  ${dim(file)}\n${indent(text, "    ")}`);
    }
  }
}

/** True if all tests passed and there was at least one. */
export function printSummary(outcomes: readonly Outcome[]): boolean {
  const sum = (count: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + count(outcome), 0);
  printSkips(outcomes);
  printFailures(outcomes);
  const passed = sum((outcome) => outcome.passed);
  const failed = sum((outcome) => outcome.failures.length);
  const skipped = sum((outcome) => outcome.skips.length);
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 && passed > 0;
}
