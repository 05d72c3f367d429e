/**
 * The agent's answers over HTTP: on a Unix socket for root, and on an address for a monitor.
 *
 *   /metrics  Prometheus text
 *   /healthz  200 while the event loop runs
 *   /readyz   200 while launchers can reach the agent and its store can be read; else 503 with the reason
 *   /status   AgentReport as JSON; on the Unix socket only, because error messages name pods
 */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import type { Metrics } from "./metrics.ts";
import type { AgentReport } from "./observer.ts";

export const statusSocketDefault = "/run/ns-net/status.sock";

export interface Answers {
  readonly metrics: Metrics;
  report(): AgentReport;
  /** Why the agent cannot serve; undefined if it can. */
  unready(): string | undefined;
}

const text = (body: string, status = 200) => new Response(`${body}\n`, { status });

async function publicAnswer(path: string, { metrics, unready }: Answers): Promise<Response> {
  switch (path) {
    case "/metrics":
      return new Response(await metrics.text(), { headers: { "content-type": metrics.contentType } });
    case "/healthz":
      return text("ok");
    case "/readyz": {
      const reason = unready();
      return reason === undefined ? text("ready") : text(reason, 503);
    }
    default:
      return text("there is /metrics, /healthz and /readyz", 404);
  }
}

const failed = (error: Error) => text(error.message, 500);

/** Opens a socket. Throws Fault that names it and the option by which another one is given. */
function listening<Server>(where: string, option: string, open: () => Server): Server {
  try {
    return open();
  } catch (error) {
    const { code: errno, message } = error as NodeJS.ErrnoException;
    const why = errno === "EADDRINUSE" ? "another program listens there" : message;
    throw new Fault(code.io, `Cannot listen on ${where}: ${why}`, `Give another --${option}`);
  }
}

/** Serves root over the Unix socket, in a folder that only root may enter. Throws Fault. */
export function serveStatus(path: string, answers: Answers): Disposable {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true });
  const umask = process.umask(0o177);
  try {
    const server = listening(path, "status-socket", () =>
      Bun.serve({
        unix: path,
        error: failed,
        fetch({ url, method }) {
          const { pathname } = new URL(url);
          if (method !== "GET") return text("only GET is understood", 405);
          return pathname === "/status" ? Response.json(answers.report()) : publicAnswer(pathname, answers);
        },
      }),
    );
    chmodSync(path, 0o600);
    return { [Symbol.dispose]: () => void server.stop(true) };
  } finally {
    process.umask(umask);
  }
}

export interface Place {
  readonly hostname: string;
  readonly port: number;
}

/** Serves any program that reaches the address. Throws Fault. */
export function serveMetrics({ hostname, port }: Place, answers: Answers) {
  const server = listening(`${hostname}:${port}`, "metrics", () =>
    Bun.serve({
      hostname,
      port,
      error: failed,
      fetch: ({ url, method }) =>
        method === "GET" ? publicAnswer(new URL(url).pathname, answers) : text("only GET is understood", 405),
    }),
  );
  return { port: server.port, [Symbol.dispose]: () => void server.stop(true) };
}
