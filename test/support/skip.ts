/** Skips with a reason: mocha records that a test was skipped, but not why. */
const reasons = new WeakMap<object, string>();

/** Skips the running test, or from a `before` hook the whole suite, and prints the reason. */
export function skip(context: Mocha.Context, reason: string): never {
  const runnable = context.test;
  const forSuite = runnable?.title.startsWith('"before all"');
  const owner = forSuite ? runnable?.parent : (context.currentTest ?? runnable);
  if (owner) reasons.set(owner, reason);
  return context.skip();
}

/** Why a test did not run: its own reason, or that of the nearest suite around it. */
export function skipReason(test: Mocha.Test): string {
  for (let place: Mocha.Test | Mocha.Suite | undefined = test; place; place = place.parent) {
    const reason = reasons.get(place);
    if (reason !== undefined) return reason;
  }
  return "no reason given";
}
