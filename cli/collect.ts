/** Collects every network in the store, for `ns-net gc`. Keeps attachments that may be alive. */
import type { CollectRequest } from "../conf/request.ts";
import { openKernel } from "../kernel/kernel.ts";
import { type Collected, gc } from "../plugin/gc.ts";
import { configurationOf, entries, openedStore } from "./attachments.ts";
import { callByHand } from "./callByHand.ts";
import { living } from "./living.ts";
import { defaultNetwork } from "./network.ts";
import { progress } from "./output/progress.ts";
import { pluginFolders } from "./target.ts";

interface CollectedAll {
  /** By network name. */
  readonly collected: Readonly<Record<string, Collected>>;
  /** One for each network that could not be read. */
  readonly errors: readonly Error[];
}

interface Asked {
  readonly dryRun?: boolean;
  /** Absent: every network. */
  readonly network?: string | undefined;
  /** Leaves what other plugins made. */
  readonly sparesReserved?: boolean;
}

export async function collectAll(
  dataDir: string,
  { dryRun = false, network, sparesReserved = false }: Asked = {},
): Promise<CollectedAll> {
  using kernel = openKernel();
  const isKept = living(entries({ network, dataDir }), kernel);
  const collected: Record<string, Collected> = {};
  const errors: Error[] = [];
  using shown = progress("collecting");
  for (const name of network === undefined ? networksOf(dataDir) : [network]) {
    const onProgress = (done: number, total: number) => shown.at(done, name, total);
    try {
      collected[name] = await gc(requestFor(name, dataDir), callByHand(), {
        dryRun,
        isKept,
        sparesReserved,
        onProgress,
      });
    } catch (error) {
      errors.push(error as Error);
    }
  }
  return { collected, errors };
}

/** One line for each removed thing. */
export function linesOf(collected: CollectedAll["collected"], verb: string): string[] {
  return Object.entries(collected).flatMap(([network, { attachments, links, chains, bridges }]) => [
    // A reservation of an old host-local does not name the interface.
    ...attachments.map(
      ({ container, ifname }) =>
        `${verb} the attachment ${ifname === "" ? "" : `${ifname} `}of ${container} on ${network}`,
    ),
    ...links.map((link) => `${verb} link ${link} of ${network}`),
    ...chains.map((chain) => `${verb} nf_tables chain ${chain}`),
    ...bridges.map((bridge) => `${verb} bridge ${bridge} of ${network}`),
  ]);
}

/**
 * All networks that the store ever had, because a bridge and its rules outlive the attachments; and the built-in one.
 */
function networksOf(dataDir: string): string[] {
  using store = openedStore(dataDir);
  const recorded = store?.chainedRecordsOf().map(({ attachment }) => attachment.network) ?? [];
  return [...new Set([...(store?.networks() ?? []), ...recorded, String(defaultNetwork["name"])])];
}

function requestFor(network: string, dataDir: string): CollectRequest {
  return {
    network,
    cniVersion: "1.1.0",
    dataDir,
    bridge: "",
    ipamType: "ns-net",
    pluginPath: pluginFolders().split(":"),
    raw: {
      environment: { CNI_COMMAND: "GC", CNI_PATH: pluginFolders() },
      stdin: JSON.stringify(configurationOf(network, dataDir)),
    },
    valid: [],
  };
}
