/** Calls begin one a turn of the event loop, so that launchers which connect meanwhile are accepted in time. */
const waiting: (() => void)[] = [];

/** Resolves in a turn that no other call begins in. */
export function ownTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (waiting.push(resolve) === 1) setImmediate(next);
  return promise;
}

function next(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(next);
}
