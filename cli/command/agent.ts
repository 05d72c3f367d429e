/** `ns-net agent` */
import { listen, socketDefault } from "../../agent/server.ts";
import { command } from "../command.ts";

declare const NSNET_VERSION: string;

export default command({
  about: "Serve the calls of container runtimes from one process that stays. They go on without it.",
  usage: "[options]",
  operands: [0, 0],
  options: { socket: { type: "string", value: "PATH", about: `the socket for launchers (default: ${socketDefault})` } },

  run({ options }) {
    const version = typeof NSNET_VERSION === "string" ? NSNET_VERSION : "development";
    listen(options.socket ?? socketDefault, version, (event) => console.error(JSON.stringify(event)));
    return new Promise<never>(() => {});
  },
});
