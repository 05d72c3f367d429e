/** An IPAM plugin that answers when the test says so: an add of its network is in progress until then. */
import { chmodSync, closeSync, constants, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { run } from "../support/sandbox.ts";
import type { Place } from "./place.ts";

export interface SlowAdd {
  readonly pid: number;
  /** Lets the plugin answer, and resolves to the exit code of the add. */
  finish(): Promise<number>;
  /** Ends the add, and resolves to its exit code. */
  end(signal: NodeJS.Signals): Promise<number>;
}

/** Starts `ns-net add NAME` on network `slow`, after those in `words`, and waits until its entry is in the store. */
export async function slowAdd(place: Place, name: string, words: readonly string[] = []): Promise<SlowAdd> {
  const fifo = join(place.folder, "fifo");
  const plugin = join(place.folder, "slow");
  run(["mkfifo", fifo]);
  const answer = '{"cniVersion":"1.0.0","ips":[{"address":"10.40.0.2/24"}]}';
  writeFileSync(plugin, `#!/bin/sh\n[ "$CNI_COMMAND" = ADD ] && read _ <${fifo}\necho '${answer}'\n`);
  chmodSync(plugin, 0o755);
  const network = { cniVersion: "1.0.0", name: "slow", type: "ns-net", bridge: "slow0", ipam: { type: "slow" } };
  const command = place.command("add", name, ...words, "--network", place.file("slow.json", JSON.stringify(network)));
  const adding = Bun.spawn(place.host.inside(command), {
    env: { ...process.env, CNI_PATH: place.folder },
    stdout: "ignore",
  });
  const isEntered = () => place.cli("ls", "--json").out.includes('"network": "slow"');
  while (adding.exitCode === null && !isEntered()) await Bun.sleep(20);
  return {
    pid: adding.pid,
    finish() {
      writeFileSync(fifo, "go\n");
      return adding.exited;
    },
    async end(signal) {
      adding.kill(signal);
      const code = await adding.exited;
      release(fifo);
      return code;
    },
  };
}

/** Lets the plugin end that a killed add left behind, if it still waits: without a reader the open fails (ENXIO). */
function release(fifo: string): void {
  try {
    const file = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(file, "go\n");
    closeSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENXIO") throw error;
  }
}
