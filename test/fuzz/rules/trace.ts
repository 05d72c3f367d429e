/** The kernel's own account of packets: `nft monitor trace`, read while it runs. */
import type { Netns } from "../../support/sandbox.ts";

export interface Traced {
  /** `inet t0 b1 r12 accept`, `inet t0 b1 policy accept`: in the order of the kernel. */
  readonly steps: string[];
  /** The line in which the last base chain shows the packet. */
  packet: string;
  /** As nft(8) printed them. */
  readonly lines: string[];
}

export interface Tracer extends AsyncDisposable {
  /** The traces, by the label of the packet, once the packet with the label `last` was seen; forgets it. */
  until(last: number): Promise<ReadonlyMap<number, Traced>>;
}

const limitMs = 10_000;

export function startTracer(ns: Netns): Tracer {
  const child = Bun.spawn(ns.inside(["nft", "monitor", "trace"]), {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const byId = new Map<string, Traced & { label?: number }>();
  let all: (Traced & { label?: number })[] = [];
  let wake = () => {};
  const read = (async () => {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const bytes of child.stdout) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) take(line);
      wake();
    }
  })();

  function take(line: string): void {
    const [, id, place, rest] = /^trace id (\w+) (\S+ \S+ \S+) (.*)$/.exec(line) ?? [];
    if (id === undefined || place === undefined || rest === undefined) return;
    // The kernel may give a later packet the same number. Each packet is seen first by a chain of the table tr.
    const isFirst = rest.startsWith("packet: ") && /^(?:netdev tr i|inet tr o)$/.test(place);
    const known = isFirst ? undefined : byId.get(id);
    const one = known ?? { steps: [], packet: "", lines: [] };
    one.lines.push(line);
    byId.set(id, one);
    if (known === undefined) all.push(one);
    if (rest.startsWith("packet: ")) {
      one.packet = rest;
      const label = /ip id (\d+)/.exec(rest)?.[1] ?? /ip6 flowlabel (\d+)/.exec(rest)?.[1];
      if (label !== undefined) one.label ??= Number(label);
      return;
    }
    // A rule that nft(8) has not read yet is shown by its handle.
    const handle = /^unknown rule handle (\d+)/.exec(rest)?.[1];
    const comment = /comment "(\w+)"/.exec(rest)?.[1];
    const verdict = /\(verdict ([^)]+)\)$/.exec(rest)?.[1];
    if (verdict) one.steps.push(`${place} ${handle === undefined ? comment : `#${handle}`} ${verdict}`);
    const policy = /^policy (\w+)/.exec(rest)?.[1];
    if (policy) one.steps.push(`${place} policy ${policy}`);
  }

  return {
    async until(last) {
      const deadline = Date.now() + limitMs;
      for (;;) {
        const found = new Map(all.flatMap((one) => (one.label === undefined ? [] : [[one.label, one]])));
        if (found.has(last)) {
          all = [];
          return found;
        }
        const leftMs = deadline - Date.now();
        if (leftMs <= 0) throw new Error(`nft monitor trace did not show the packet ${last} in ${limitMs} ms`);
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const timer = setTimeout(resolve, leftMs);
        await promise;
        clearTimeout(timer);
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
      await read;
    },
  };
}
