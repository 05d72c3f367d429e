/** The agent: serves the calls of launchers. */
import { openFolders } from "../store/file/keptOpen.ts";
import { separateCalls } from "./calls.ts";
import { startDeletions } from "./deletions.ts";
import type { OnEvent } from "./event.ts";
import { startHealing } from "./healing/healing.ts";
import { collectWhenIdle } from "./idle.ts";
import { beOnlyOne } from "./onlyOne.ts";
import { requireRights } from "./rights.ts";
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
  requireRights();
  beOnlyOne(socket);
  if (!isCold) await tryWarmUp(`${socket}.warm-up`, onEvent);
  separateCalls();
  using started = new DisposableStack(); // a thread that stays would keep an agent alive that cannot serve
  const deletions = started.use(startDeletions());
  const healing = started.use(startHealing([dataDir], onEvent));
  started.use(
    listen(socket, {
      version,
      deleteLinks: deletions.deleteLinks,
      onEvent(event) {
        if (event.what === "call") openFolders().forEach(healing.used);
        collectWhenIdle();
        onEvent(event);
      },
    }),
  );
  return started.move();
}
