/** The agent: serves the calls of launchers. */
import { openFolders } from "../store/file/keptOpen.ts";
import { separateCalls } from "./calls.ts";
import { startDeletions } from "./deletions.ts";
import type { OnEvent } from "./event.ts";
import { startHealing } from "./healing/healing.ts";
import { collectWhenIdle } from "./idle.ts";
import { beOnlyOne } from "./onlyOne.ts";
import { listen } from "./server.ts";
import { warmUp } from "./warmUp.ts";

export interface AgentOptions {
  readonly socket: string;
  readonly version: string;
  /** The usual folder of the store; others become known by calls. */
  readonly dataDir: string;
  readonly onEvent: OnEvent;
  /** Serves from the start, with first calls that take longer. */
  readonly isCold: boolean;
}

async function tryWarmUp(dataDir: string, onEvent: OnEvent): Promise<void> {
  try {
    await warmUp(dataDir);
  } catch (error) {
    onEvent({
      what: "trouble",
      because: `cannot warm up, so the first calls take longer: ${(error as Error).message}`,
    });
  }
}

/** Serves until it is disposed of. Throws Fault if it cannot begin. */
export async function startAgent({ socket, version, dataDir, onEvent, isCold }: AgentOptions): Promise<Disposable> {
  beOnlyOne(socket);
  if (!isCold) await tryWarmUp(`${socket}.warm-up`, onEvent);
  separateCalls();
  const deletions = startDeletions();
  const healing = startHealing([dataDir], onEvent);
  const server = listen(socket, {
    version,
    deleteLinks: deletions.deleteLinks,
    onEvent(event) {
      if (event.what === "call") openFolders().forEach(healing.used);
      collectWhenIdle();
      onEvent(event);
    },
  });
  return {
    [Symbol.dispose]() {
      server[Symbol.dispose]();
      healing[Symbol.dispose]();
      deletions[Symbol.dispose]();
    },
  };
}
