/** A contestant as bench/main.ts uses it: it sends one order at a time and awaits the answer. */
import { join } from "node:path";
import { sandboxEnvironment } from "../scripts/sandbox.ts";
import type { Contestant, Order, Round } from "./contestant.ts";

type Answer = "ready" | "filled" | Round | number;

export interface Runner extends Disposable {
  readonly it: Contestant;
  fill(pods: number): Promise<void>;
  round(): Promise<Round>;
  /** The same effect by bare requests, on this runner's bridge. */
  floor(): Promise<Round>;
  /** MiB, of one ADD. */
  memory(): Promise<number>;
  /** Connections a second to the published port of one of the pods. */
  connections(index: number): Promise<number>;
}

export async function startRunner(it: Contestant, wrap: (command: readonly string[]) => string[]): Promise<Runner> {
  let deliver: (answer: Answer) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const program = [process.execPath, join(import.meta.dirname, "contestant.ts"), JSON.stringify(it)];
  const next = () =>
    new Promise<Answer>((resolve, reject) => {
      deliver = resolve;
      fail = reject;
    });
  const ready = next();
  const child = Bun.spawn(wrap(program), {
    env: sandboxEnvironment,
    stdio: ["ignore", "inherit", "inherit"],
    ipc: (message) => deliver(message as Answer),
    onExit: () => fail(new Error(`${it.label} ended before its answer`)),
  });
  await ready;
  const ask = (order: Order) => {
    const answer = next();
    child.send(order);
    return answer;
  };
  return {
    it,
    fill: async (pods) => void (await ask({ order: "fill", pods })),
    round: async () => (await ask({ order: "round" })) as Round,
    floor: async () => (await ask({ order: "floor" })) as Round,
    memory: async () => (await ask({ order: "memory" })) as number,
    connections: async (index) => (await ask({ order: "connections", pod: `filler-${index}` })) as number,
    [Symbol.dispose]: () => child.disconnect(),
  };
}
