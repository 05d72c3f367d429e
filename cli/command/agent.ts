/** `ns-net agent` */
import { writeSync } from "node:fs";
import { beginAgainOnHost } from "../../agent/hostMounts.ts";
import { statusSocketDefault } from "../../agent/report/http.ts";
import { startReporting } from "../../agent/report/reporting.ts";
import { startAgent } from "../../agent/run.ts";
import { socketDefault } from "../../agent/server.ts";
import { code, NotPermitted } from "../../conf/fault.ts";
import { defaultDataDir } from "../../conf/identity.ts";
import { command, UsageError } from "../command.ts";
import { everyConfiguration } from "../network.ts";
import { output } from "../output/terminal.ts";
import { ownVersion } from "../ownVersion.ts";
import { networkOptions } from "./options.ts";

export default command({
  about: "Serve the calls of container runtimes from one process that stays. They go on without it.",
  usage: "[options]",
  operands: [0, 0],
  options: {
    metrics: {
      type: "string",
      value: "ADDRESS:PORT",
      about: "serve /metrics, /healthz and /readyz there, for example 127.0.0.1:9464",
    },
    "host-mounts": {
      type: "boolean",
      about: "first enter the mount namespace of process 1: in a container, whose pod needs hostPID",
    },
    socket: { type: "string", value: "PATH", about: `the socket for launchers (default ${socketDefault})` },
    "status-socket": {
      type: "string",
      value: "PATH",
      about: `the socket for ns-net status (default ${statusSocketDefault})`,
    },
    "data-dir": networkOptions["data-dir"],
    cold: { type: "boolean", about: "serve at once; the first calls take longer then" },
  },
  more: `
The log on standard error has a line of JSON for each event. SIGTERM ends the agent; a call that it serves at that
moment is finished by the full executable.`,

  async run({ options }) {
    if (options["host-mounts"]) beginAgainOnHost(process.argv.slice(2));
    if (process.geteuid!() !== 0)
      throw new NotPermitted(code.io, "Cannot serve calls of container runtimes: they are root's", "Run it as root");
    const dataDir = options["data-dir"] ?? defaultDataDir;
    const socket = options.socket ?? socketDefault;
    const reporting = await startReporting({
      version: ownVersion,
      dataDir,
      statusSocket: options["status-socket"] ?? statusSocketDefault,
      metrics: options.metrics === undefined ? undefined : placeIn(options.metrics),
      configured: () => everyConfiguration(dataDir),
      writeLog,
    });
    using agent = new DisposableStack();
    agent.use(
      await startAgent({
        socket,
        version: ownVersion,
        dataDir,
        onEvent: reporting.onEvent,
        isCold: options.cold ?? false,
      }),
    );
    agent.use(reporting.serve(socket));
    await new Promise<void>((resolve) => process.once("SIGTERM", resolve).once("SIGINT", resolve));
    return 0;
  },
});

/** A log without a reader must not fail a call. */
function writeLog(line: string): void {
  try {
    writeSync(output.error, line);
  } catch {}
}

/** `127.0.0.1:9464`, `[::1]:9464`, `:9464` for all addresses. */
function placeIn(text: string): { hostname: string; port: number } {
  const [, hostname = "", port = ""] = /^(?:\[([^\]]*)\]|[^:]*):(\d{1,5})$/.exec(text) ?? [];
  if (port === "" || Number(port) > 65_535)
    throw new UsageError(`--metrics = ${JSON.stringify(text)}: give an address and a port, such as 127.0.0.1:9464`);
  const name = hostname || text.slice(0, text.lastIndexOf(":"));
  return { hostname: name || "::", port: Number(port) };
}
