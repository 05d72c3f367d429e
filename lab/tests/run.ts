/** Runs the tests of a lab file in a running lab. */
import { code, Fault } from "../../conf/fault.ts";
import { type Address, formatAddress, parseAddress } from "../../ip/address.ts";
import type { Netns } from "../../sys/netns.ts";
import type { TestEntry } from "../file/labFile.ts";
import { shortForm } from "../file/tests.ts";
import type { World } from "../world/world.ts";
import { inParallel } from "./inParallel.ts";
import { type Outcome, probe, silence, tableIsFull } from "./probe.ts";

export interface TestResult {
  /** The test's name, or its canonical short form. */
  readonly test: string;
  readonly passed: boolean;
  /** `reachable`, `unreachable`, or the text that the page must contain. */
  readonly expected: string;
  /** `reachable`, `unreachable`, `unsure`, or the page's text. */
  readonly found: string;
  readonly ms: number;
  readonly why: string | null;
  /** The operands of `ns-net explain`, of a test that did not reach its destination although it should. */
  readonly explain?: readonly [from: string, to: string] | undefined;
}

/** Several tests run at a time; `onResult` sees the results in the order of the file. */
export async function runTests(world: World, onResult: (result: TestResult) => void): Promise<void> {
  await inParallel(world.lab.tests, (test) => runTest(world, test), onResult);
}

const pauseMs = 20;

/** Silence proves something only if it lasts: a busy machine answers late. */
const patienceMsOf = ({ expected }: TestEntry) => (expected === "unreachable" ? 1500 : 500);

/** Repeats until it is as expected or the time is over. A port that is open although it must not be fails at once. */
async function runTest(world: World, test: TestEntry): Promise<TestResult> {
  const startMs = performance.now();
  const address = destinationIn(world, test);
  let outcome: Outcome = address ? unknown : { reached: false, how: "the name has no address here" };
  while (address !== undefined) {
    const from = netnsOf(world, test.from.value); // a pod may be restarted meanwhile
    const attempt = { from, to: test.to.value, address, length: test.mtu, patienceMs: patienceMsOf(test) };
    outcome = clearerOf(outcome, await probe(attempt));
    const isLast = performance.now() - startMs + pauseMs >= test.withinMs;
    if (isAsExpected(test, outcome) || isLast || (test.expected === "unreachable" && isThere(outcome))) break;
    await Bun.sleep(pauseMs);
  }
  return { ...resultOf(test, outcome, performance.now() - startMs), explain: toExplain(test, outcome, address) };
}

function toExplain({ from, to, expected }: TestEntry, outcome: Outcome, address: Address | undefined) {
  if (address === undefined || outcome.reached || expected === "unreachable") return undefined;
  const text = formatAddress(address);
  if (!("port" in to.value)) return [from.value, text] as const;
  const { kind, port } = to.value;
  const protocol = kind === "udp" ? "udp" : "tcp";
  return [from.value, `${address.family === 6 ? `[${text}]` : text}:${port}/${protocol}`] as const;
}

const unknown: Outcome = { reached: false, how: silence };

/** The kernel limits how many refusals it sends, so that of an earlier attempt says more than the silence of a later one. */
function clearerOf(before: Outcome, now: Outcome): Outcome {
  return !now.reached && now.how === silence && !before.reached ? before : now;
}

const isUnsure = (outcome: Outcome) => !outcome.reached && outcome.how === tableIsFull;

const isThere = (outcome: Outcome) => outcome.reached || outcome.isOpen === true;

function isAsExpected({ expected }: TestEntry, outcome: Outcome): boolean {
  if (expected === "unreachable") return !isThere(outcome) && !isUnsure(outcome);
  if (expected === "reachable" || !outcome.reached) return outcome.reached;
  return outcome.body?.includes(expected.body) === true;
}

function resultOf(test: TestEntry, outcome: Outcome, ms: number): TestResult {
  return {
    test: test.title ?? shortForm(test),
    passed: isAsExpected(test, outcome),
    expected: typeof test.expected === "object" ? test.expected.body : test.expected,
    found: foundBy(test, outcome),
    ms: Number(ms.toFixed(1)),
    why: outcome.reached ? null : outcome.how,
  };
}

/** A page that is not as wanted is no answer where one is expected, but shows that packets get through. */
function foundBy({ expected }: TestEntry, outcome: Outcome): string {
  if (isUnsure(outcome)) return "unsure";
  if (expected === "unreachable") return isThere(outcome) ? "reachable" : "unreachable";
  if (!outcome.reached) return "unreachable";
  return expected === "reachable" ? "reachable" : (outcome.body ?? "");
}

/** Throws Fault for a pod that a change removed meanwhile. */
export function netnsOf({ hosts, pods }: World, name: string): Netns {
  const netns = (hosts.get(name) ?? pods.get(name))?.netns;
  if (netns) return netns;
  throw new Fault(code.unavailable, `${name} is not there any more`, "Call it again when the lab does not change");
}

/** The address that the test's destination means to its sender; undefined if it has none of the sender's families. */
function destinationIn({ names }: World, { from, to }: TestEntry): Address | undefined {
  const { name } = to.value;
  return parseAddress(name) ?? names.addressOf(name, from.value);
}
