/**
 * The report of a run: a line a file, the skipped tests with reasons, the failures, and the totals as the last line.
 */
import { causesFirst } from "../../scripts/setup/causes.mjs";
import { callsMade, callsServed, type Outcome } from "./outcome.ts";

const colour = process.stdout.isTTY && !("NO_COLOR" in process.env);
const paint = (code: number) => (text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
const [red, green, yellow, dim] = [31, 32, 33, 2].map(paint) as [Paint, Paint, Paint, Paint];
type Paint = (text: string) => string;

const indent = (text: string, by: string) => text.replace(/^(?=.)/gm, by);

/** `place` is "12/160": how many of the files are done. */
export function printFile({ file, passed, failures, skips, durationMs, cpuMs }: Outcome, place: string): void {
  const mark = failures.length > 0 ? red("✗") : green("✓");
  const counts = [`${passed} passed`];
  if (failures.length > 0) counts.push(red(`${failures.length} failed`));
  if (skips.length > 0) counts.push(yellow(`${skips.length} skipped`));
  const times = [`${Math.round(durationMs)} ms`, ...(cpuMs === undefined ? [] : [`CPU ${Math.round(cpuMs)} ms`])];
  console.log(`${dim(place)} ${mark} ${file}  ${counts.join(", ")}  ${dim(times.join(", "))}`);
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

/** Failures with the same message, which most often have one cause. */
interface Cause {
  readonly text: string;
  readonly tests: string[];
}

const testsShown = 5;

/** The lowest folder first: what fails there is often why others fail. The message is before the stack. */
function printFailures(outcomes: readonly Outcome[]): void {
  const causes = new Map<string, Cause>();
  for (const { file, failures } of causesFirst(outcomes, ({ file }) => file)) {
    for (const { title, text } of failures) {
      const message = text.split(/^\s+at /m)[0]!;
      const cause = causes.get(message) ?? { text, tests: [] };
      causes.set(message, cause);
      cause.tests.push(`${title}  ${dim(file)}`);
    }
  }
  for (const { text, tests } of causes.values()) {
    console.log("");
    for (const test of tests.slice(0, testsShown)) console.log(`${red("failed")}  ${test}`);
    if (tests.length > testsShown) console.log(`        and ${tests.length - testsShown} more with the same message`);
    console.log(indent(text, "    "));
  }
}

/** With fewer calls their share says nothing. */
const callsMin = 100;
const shareMin = 0.5;

/**
 * How many calls agents served, and how many they left to the executable, by reason. False if they served so few that the
 * run says little of them.
 */
function printThroughAgent(outcomes: readonly Outcome[]): boolean {
  const total = new Map<string, number>();
  for (const { throughAgent = {} } of outcomes)
    for (const [what, count] of Object.entries(throughAgent)) total.set(what, (total.get(what) ?? 0) + count);
  if (total.size === 0) return true;
  console.log("\nCalls through an agent:");
  for (const [what, count] of [...total].sort(([, a], [, b]) => b - a))
    console.log(`${String(count).padStart(7)} ${what}`);
  const served = total.get(callsServed) ?? 0;
  const told = [...total].reduce((sum, [what, count]) => sum + (what === callsMade ? 0 : count), 0);
  const calls = Math.max(told, total.get(callsMade) ?? 0);
  if (calls < callsMin || served >= calls * shareMin) return true;
  console.log(`${red("failed")}  agents served ${served} of ${calls} calls: too few for a run through agents`);
  return false;
}

/** True if all tests passed and there was at least one. */
export function printSummary(outcomes: readonly Outcome[], withSkips = true): boolean {
  const sum = (count: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + count(outcome), 0);
  if (withSkips) printSkips(outcomes);
  printFailures(outcomes);
  const isServed = printThroughAgent(outcomes);
  const passed = sum((outcome) => outcome.passed);
  const failed = sum((outcome) => outcome.failures.length);
  const skipped = sum((outcome) => outcome.skips.length);
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 && passed > 0 && isServed;
}
