/** `ns-net agent` */
import { startAgent } from "../../agent/run.ts";
import { socketDefault } from "../../agent/server.ts";
import { command } from "../command.ts";

declare const NSNET_VERSION: string;

export default command({
  about: "Serve the calls of container runtimes from one process that stays. They go on without it.",
  usage: "[options]",
  operands: [0, 0],
  options: { socket: { type: "string", value: "PATH", about: `the socket for launchers (default: ${socketDefault})` } },

  run({ options: { socket = socketDefault } }) {
    const version = typeof NSNET_VERSION === "string" ? NSNET_VERSION : "development";
    const log = (event: object) => console.error(JSON.stringify({ time: new Date().toISOString(), ...event }));
    startAgent({ socket, version, onEvent: log });
    return new Promise<never>(() => {});
  },
});
