/** Runs test files one after the other with mocha, as the runner sends them, and answers each with its outcome. */
import Mocha from "mocha";
import type { Failure, Order, Outcome, Skip } from "./outcome.ts";
import { skipReason } from "./skip.ts";
import { endAgents, takeTally } from "./throughAgent.ts";

/** The time limit of a test that sets none. */
const timeout = 60_000;
/** A factor for all time limits: an emulated machine is slow (test/vm/guest.sh). */
const patience = Number(process.env["NSNET_TEST_PATIENCE"] ?? 1);

/** The lines of a stack in our files. */
function frames(stack: string): string {
  const lines = stack.split("\n").filter((line) => /^\s+at /.test(line));
  return lines.filter((line) => !/node_modules|node:|\bnative:|processTicks/.test(line)).join("\n");
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${Bun.inspect(error)}`;
  const parts = [`${error.name}: ${error.message.trimEnd()}`, frames(error.stack ?? "")];
  if (error.cause !== undefined) parts.push(`caused by ${describeError(error.cause)}`);
  return parts.filter((part) => part !== "").join("\n");
}

const titleOf = (runnable: Mocha.Runnable) => runnable.titlePath().join(" › ");

/** Rejected promises without a handler. Mocha passes each on twice and would end the whole file. */
const unhandled = new Set<unknown>();
process.on("unhandledRejection", (reason) => unhandled.add(reason));

async function runFile({ file, grep }: Order): Promise<Outcome> {
  const failures: Failure[] = [];
  const skips: Skip[] = [];
  let passed = 0;
  const startMs = performance.now();
  const mocha = new Mocha({ ui: "bdd", timeout, color: false, forbidOnly: "CI" in process.env });
  if (grep !== undefined) mocha.grep(new RegExp(grep));
  mocha.addFile(file);
  const fail = (title: string, error: unknown) => failures.push({ title, text: describeError(error) });
  const failUnhandled = (title: string) => {
    for (const reason of unhandled) fail(`${title} or just before: a rejected promise without a handler`, reason);
    unhandled.clear();
  };
  /** A reporter for mocha that only counts: the runner prints. */
  function Count(runner: Mocha.Runner) {
    runner.on("pass", () => passed++);
    runner.on("fail", (runnable, error) => fail(titleOf(runnable), error));
    runner.on("pending", (test) => skips.push({ title: titleOf(test), reason: skipReason(test) }));
    runner.on("test end", (test) => failUnhandled(titleOf(test)));
  }
  mocha.reporter(Count as unknown as Mocha.ReporterConstructor);
  try {
    await mocha.loadFilesAsync();
    mocha.suite.eachTest((test) => test.timeout(test.timeout() * patience));
    await new Promise<void>((resolve) => mocha.run(() => resolve()));
  } catch (error) {
    fail("loading the file", error);
  }
  failUnhandled("after the last test");
  endAgents();
  return { file, passed, failures, skips, durationMs: performance.now() - startMs, throughAgent: takeTally() };
}

process.on("message", async (order: Order) => {
  process.send?.(await runFile(order));
});
// The runner disconnects when there is nothing left to do, or when it was interrupted.
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
