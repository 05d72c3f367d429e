/**
 * The figures for Prometheus, by prom-client: counters of the agent's events, and gauges that are read when they are asked
 * for. docs/agent.md has the table.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Attachments } from "../../explain/networks/attachmentStates.ts";
import type { Pool } from "../../explain/networks/pools.ts";
import type { AgentEvent } from "../event.ts";

export interface Counted {
  readonly pools: readonly Pool[];
  readonly attachments: readonly Attachments[];
}

/** Reads the store when the metrics are asked for, so an agent without a monitor does nothing. May throw. */
export type Count = () => Counted;

export interface Metrics {
  readonly contentType: string;
  observe(event: AgentEvent): void;
  text(): Promise<string>;
}

/** From a warm ADD to a delegate that hangs. */
const bucketsSeconds = [0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const delayResolutionMs = 20;

export async function startMetrics(version: string, count: Count): Promise<Metrics> {
  const [{ default: Counter }, { default: Gauge }, { default: Histogram }, { default: Registry }] = await Promise.all([
    import("prom-client/lib/counter.js"),
    import("prom-client/lib/gauge.js"),
    import("prom-client/lib/histogram.js"),
    import("prom-client/lib/registry.js"),
  ]);
  const registry = new Registry();
  const registers = [registry];
  const named = <Names extends string>(name: string, help: string, ...labelNames: Names[]) => {
    return { name: `ns_net_${name}`, help, labelNames, registers };
  };
  const calls = new Counter(named("calls_total", "Calls answered, by result: ok or error.", "verb", "type", "result"));
  const errors = new Counter(
    named("call_errors_total", "Calls that failed, by the error code of CNI.", "verb", "code"),
  );
  const duration = new Histogram({
    ...named("call_duration_seconds", "From the acceptance of a call to its answer.", "verb"),
    buckets: bucketsSeconds,
  });
  const declined = new Counter(named("declined_total", "Calls left to the full executable.", "reason"));
  const handedBack = new Counter(named("handed_back_total", "Calls left to it in the middle.", "verb"));
  const healings = new Counter(named("healings_total", "What was restored because it was gone.", "kind"));
  new Gauge({ ...named("agent_info", "1, with the version of the agent.", "version") }).set({ version }, 1);
  const started = new Gauge(named("agent_start_time_seconds", "When the agent started, since 1970."));
  started.set(performance.timeOrigin / 1000);

  let counted: Counted | undefined;
  const read = (kind: "used" | "free", help: string) =>
    new Gauge({
      ...named(`pool_${kind}_addresses`, help, "network", "range"),
      collect() {
        this.reset();
        for (const pool of counted?.pools ?? []) this.set({ network: pool.network, range: pool.range }, pool[kind]);
      },
    });
  read("used", "Addresses that are given.");
  read("free", "Addresses that can still be given.");
  new Gauge({
    ...named("attachments", "Attachments in the store.", "network", "state"),
    collect() {
      this.reset();
      for (const one of counted?.attachments ?? []) this.set({ network: one.network, state: one.state }, one.count);
    },
  });
  new Gauge({
    ...named("store_readable", "0 if the store cannot be read, so that pools and attachments are not known."),
    collect() {
      this.set(counted === undefined ? 0 : 1);
    },
  });
  new Gauge({
    ...named("memory_bytes", "Resident memory of the agent."),
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  const delay = monitorEventLoopDelay({ resolution: delayResolutionMs });
  delay.enable();
  new Gauge({
    ...named("event_loop_delay_seconds", "The longest delay of the event loop since the metrics were last read."),
    collect() {
      this.set(Number.isFinite(delay.max) ? delay.max / 1e9 : 0);
      delay.reset();
    },
  });

  return {
    contentType: registry.contentType,
    observe(event) {
      if (event.what === "call") {
        const { verb, type, exitCode, code = 0, ms } = event;
        const isDone = exitCode === 0;
        calls.inc({ verb, type, result: isDone ? "ok" : "error" });
        if (!isDone) errors.inc({ verb, code });
        duration.observe({ verb }, ms / 1000);
      }
      if (event.what === "declined") declined.inc({ reason: event.reason });
      if (event.what === "handed back") handedBack.inc({ verb: event.verb });
      if (event.what === "healed") healings.inc({ kind: event.kind }, event.count);
    },
    text() {
      try {
        counted = count();
      } catch {
        counted = undefined; // the other metrics matter all the more, and /readyz has the reason
      }
      return registry.metrics();
    },
  };
}
