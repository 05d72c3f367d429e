/** The content of `ns-net status`: the agent's own report, what is installed, and what the store has. */

import { join } from "node:path";
import type { AgentReport } from "../../agent/report/observer.ts";
import { code, Fault, NotPermitted } from "../../conf/fault.ts";
import { type Attachments, countAttachments } from "../../explain/networks/attachmentStates.ts";
import { type Pool, poolsOf } from "../../explain/networks/pools.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { openedStore } from "../attachments.ts";
import { launcherVersion } from "../install/launcher.ts";
import { readRecord } from "../install/record.ts";
import { living } from "../living.ts";
import { everyConfiguration } from "../network.ts";
import { untakenOf } from "../networks/untaken.ts";

export interface Status {
  /** That of the executable that answers. */
  readonly version: string;
  /** Undefined if no agent answers. */
  readonly agent?: AgentReport | undefined;
  readonly installed: Installed;
  readonly pools: readonly Pool[];
  readonly attachments: readonly Attachments[];
  /** Why the store cannot be read; pools and attachments are empty then. */
  readonly storeError?: string | undefined;
}

interface Installed {
  readonly folder: string;
  /** Undefined if nothing is installed there, or by a version that did not note it. */
  readonly version?: string | undefined;
  /** Undefined where the full executable is installed alone. */
  readonly launcher?: string | undefined;
}

/** An agent answers within this time, or is no help. */
const answerMsMax = 2000;

interface Where {
  readonly version: string;
  readonly dataDir: string;
  readonly statusSocket: string;
  readonly binDir: string;
}

export async function statusNow({ version, dataDir, statusSocket, binDir }: Where): Promise<Status> {
  return {
    version,
    agent: await agentReport(statusSocket),
    installed: {
      folder: binDir,
      version: readRecord(binDir)?.program,
      launcher: launcherVersion(join(binDir, "ns-net")),
    },
    ...inStore(dataDir),
  };
}

function inStore(dataDir: string): Pick<Status, "pools" | "attachments" | "storeError"> {
  try {
    using kernel = openKernel();
    using store = openedStore(dataDir);
    const entries = store?.entries() ?? [];
    const untaken = untakenOf({ dataDir }, kernel);
    return {
      pools: store ? poolsOf(everyConfiguration(dataDir), store) : [],
      attachments: countAttachments(entries, living(entries, kernel), untaken),
    };
  } catch (error) {
    if (!(error instanceof Fault) || error instanceof NotPermitted) throw error;
    return { pools: [], attachments: [], storeError: `${error.sentence(byHand)}. ${error.cure(byHand)}` };
  }
}

const byHand = { byHand: true };

/** Undefined if no agent answers. Throws NotPermitted for a user who may not ask it. */
export async function agentReport(unix: string): Promise<AgentReport | undefined> {
  try {
    const answer = await fetch("http://agent/status", { unix, signal: AbortSignal.timeout(answerMsMax) });
    return answer.ok ? ((await answer.json()) as AgentReport) : undefined;
  } catch (error) {
    if (/EACCES|EPERM|permission/i.test(`${(error as NodeJS.ErrnoException).code} ${(error as Error).message}`))
      throw new NotPermitted(code.io, `Cannot ask the agent at ${unix}: permission denied`, "Run it as root");
    return undefined;
  }
}
