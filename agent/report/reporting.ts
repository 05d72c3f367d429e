/** Turns the agent's events into its log, its metrics, and its answers over HTTP. */
import { rmSync } from "node:fs";
import { countInStore } from "../../explain/networks/attachmentStates.ts";
import type { Configured } from "../../explain/networks/configured.ts";
import { poolsOf } from "../../explain/networks/pools.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { openExisting } from "../../plugin/recovery/openStore.ts";
import type { Store } from "../../store/store.ts";
import { statusIfThere } from "../../sys/files.ts";
import type { AgentEvent, OnEvent } from "../event.ts";
import { type Answers, type Place, serveMetrics, serveStatus } from "./http.ts";
import { lineOf } from "./journal.ts";
import { type Counted, startMetrics } from "./metrics.ts";
import { Observer } from "./observer.ts";

export interface ReportingOptions {
  readonly version: string;
  /** The socket for `ns-net status`. */
  readonly statusSocket: string;
  /** Where the metrics are served as well; absent: only on the status socket. */
  readonly metrics?: Place | undefined;
  /** The folder of the store whose pools and attachments are counted. Calls name their own. */
  readonly dataDir: string;
  /** The configurations of this host, which have the ranges of the pools. */
  configured(): readonly Configured[];
  writeLog(line: string): void;
}

export interface Reporting {
  readonly onEvent: OnEvent;
  /** Answers from now on, for an agent that listens at `socket`. Throws Fault. */
  serve(socket: string): Disposable;
}

export async function startReporting(options: ReportingOptions): Promise<Reporting> {
  const { version, dataDir } = options;
  const withStore = <T>(otherwise: T, work: (store: Store) => T): T => {
    using kernel = openKernel();
    using store = openExisting({ dataDir }, kernel);
    return store === undefined ? otherwise : work(store);
  };
  const observer = new Observer(version);
  const nothing = { pools: [], attachments: [] };
  const metrics = await startMetrics(version, () =>
    withStore<Counted>(nothing, (store) => ({
      pools: poolsOf(options.configured(), store),
      attachments: countInStore(store),
    })),
  );
  const onEvent = (event: AgentEvent) => {
    options.writeLog(lineOf(event));
    observer.observe(event);
    metrics.observe(event);
  };

  function serve(socket: string): Disposable {
    using undo = new DisposableStack();
    const isReachable = ownName(socket, undo);
    const answers: Answers = {
      metrics,
      report: () => observer.report(),
      unready() {
        if (!isReachable()) return `launchers do not reach the agent: ${socket} is not its socket`;
        try {
          withStore(undefined, (store) => store.networks());
          return undefined;
        } catch (error) {
          return (error as Error).message;
        }
      },
    };
    undo.use(serveStatus(options.statusSocket, answers));
    ownName(options.statusSocket, undo);
    const port = options.metrics && undo.use(serveMetrics(options.metrics, answers)).port;
    onEvent({ what: "started", version, pid: process.pid, socket, ...(port !== undefined && { port }) });
    return undo.move();
  }

  return { onEvent, serve };
}

/** At the end removes the name of a socket, unless another agent has it by then. Answers whether it is still ours. */
function ownName(path: string, undo: DisposableStack): () => boolean {
  const inode = statusIfThere(path)?.inode;
  const isOurs = () => statusIfThere(path)?.inode === inode;
  undo.defer(() => isOurs() && rmSync(path, { force: true }));
  return isOurs;
}
