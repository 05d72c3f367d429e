/** The agent: serves the calls of launchers. */
import { separateCalls } from "./calls.ts";
import { startDeletions } from "./deletions.ts";
import type { OnEvent } from "./event.ts";
import { beOnlyOne } from "./onlyOne.ts";
import { listen } from "./server.ts";

export interface AgentOptions {
  readonly socket: string;
  readonly version: string;
  readonly onEvent: OnEvent;
}

/** Serves until it is disposed of. Throws Fault if it cannot begin. */
export function startAgent({ socket, version, onEvent }: AgentOptions): Disposable {
  beOnlyOne(socket);
  separateCalls();
  const deletions = startDeletions();
  const server = listen(socket, { version, deleteLinks: deletions.deleteLinks, onEvent });
  return {
    [Symbol.dispose]() {
      server[Symbol.dispose]();
      deletions[Symbol.dispose]();
    },
  };
}
