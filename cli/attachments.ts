/** The attachments in the store, with their present namespaces and processes. */
import { attachmentText } from "../conf/attachment.ts";
import { code, Fault } from "../conf/fault.ts";
import { defaultDataDir, readIdentity } from "../conf/identity.ts";
import { ownType } from "../conf/pluginType.ts";
import type { DeleteRequest } from "../conf/request.ts";
import { everyPid, inodeAt } from "../explain/namespaceKinds.ts";
import { openKernel } from "../kernel/kernel.ts";
import { identityIn, openContainerNetns } from "../kernel/namespace.ts";
import { isAt, isNetns } from "../netlink/sameNetns.ts";
import { openExisting } from "../plugin/recovery/openStore.ts";
import { givenBy, stepsOf } from "../step/index.ts";
import { shellWord } from "../step/shellWords.ts";
import type { Entry } from "../store/entry.ts";
import type { Store } from "../store/store.ts";
import { isOfUnmappedUser } from "../sys/namespaces/unmapped.ts";
import { closeNetns, type Netns } from "../sys/netns.ts";
import { toStderr } from "./callByHand.ts";
import { defaultNetwork, isFile, readNetwork } from "./network.ts";
import { pluginFolders, stdinOf, type Target } from "./target.ts";

export interface Filter {
  readonly network?: string | undefined;
  readonly ifname?: string | undefined;
  readonly dataDir?: string | undefined;
}

/** The words by which a further command looks at the same store. */
export function sameStoreAs(dataDir = defaultDataDir): string {
  return dataDir === defaultDataDir ? "" : ` --data-dir ${shellWord(dataDir)}`;
}

/** The store, if there is one. */
export function openedStore(dataDir = defaultDataDir): Store | undefined {
  // In a lab of an ordinary user, the store of the machine is another's.
  if (isOfUnmappedUser(dataDir)) return undefined;
  using kernel = openKernel({ stderr: toStderr });
  return openExisting({ dataDir }, kernel);
}

/** Entries of the store, oldest first; none without a store. */
export function entries({ network, ifname, dataDir }: Filter): Entry[] {
  using store = openedStore(dataDir);
  const name = network === undefined ? undefined : networkName(network);
  return (store?.entries(name) ?? []).filter(({ attachment }) => ifname === undefined || attachment.ifname === ifname);
}

/** `--data-dir`, or the folder in the network's configuration. */
export function dataDirOf(options: { readonly network?: string; readonly "data-dir"?: string }): string | undefined {
  const { network, "data-dir": given } = options;
  if (given !== undefined || network === undefined) return given;
  try {
    return readIdentity({}, stdinOf(readNetwork(network)), ownType).dataDir;
  } catch {
    return undefined; // a name that only the store knows; for an unreadable file, `networkName` throws
  }
}

/** The name of a `--network`: a file contains its own. */
export function networkName(which: string): string {
  return isFile(which) ? String(readNetwork(which)["name"]) : which;
}

/**
 * The entries of one namespace: by the name it was added under, by its container id, by its pod, or because it is the
 * same namespace.
 */
export function entriesOf(target: Target, filter: Filter): Entry[] {
  return entries(filter).filter((entry) => isOf(target, entry));
}

export function isOf({ container, spec, path }: Target, entry: Entry): boolean {
  const { attachment, podNamespace = "", podName } = entry;
  if (attachment.container === container || attachment.container === spec) return true;
  return (podName !== undefined && `${podNamespace}/${podName}` === spec) || isAt(path, identityIn(entry));
}

/** The bridge that an attachment is a port of; undefined for a ptp link, whose entry has the default bridge name. */
export function bridgeOf(entry: Entry): string | undefined {
  const [hostEnd] = stepsOf(entry).flatMap((step) => givenBy(step).hostEnd ?? []);
  return (hostEnd ? hostEnd.bridge : entry.bridge) || undefined;
}

/** Opens the namespace of an entry. Throws Fault if it no longer exists. */
export function openNetnsOf(entry: Entry): Netns {
  const { attachment, netnsPath } = entry;
  const netns = openedAt(netnsPath);
  if (netns && (entry.netnsInode === 0n || isNetns(netns, identityIn(entry)))) return netns;
  if (netns) closeNetns(netns);
  if (netnsPath === "") {
    throw new Fault(
      code.unknownContainer,
      `Cannot find the namespace of ${attachmentText(attachment)}, which another plugin made: it has no name in /run/netns, and no process that can be seen from here`,
      `Look from inside the container, or restart it; if it has ended: ns-net gc -n ${shellWord(attachment.network)}`,
    );
  }
  const why = netns ? `${netnsPath} is another one by now` : `there is no ${netnsPath}`;
  throw new Fault(
    code.unknownContainer,
    `The namespace of ${attachmentText(attachment)} is gone: ${why}`,
    "Remove what is left of it with 'ns-net del', or 'ns-net gc'",
  );
}

function openedAt(path: string): Netns | undefined {
  try {
    return openContainerNetns(path, true);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== code.unknownContainer) throw error;
    return undefined;
  }
}

/** A process in the entry's namespace. Ignores a namespace that got the same inode later. */
export function pidIn(entry: Entry, pids: ReadonlyMap<bigint, number>): number | undefined {
  const pid = pids.get(entry.netnsInode);
  return pid !== undefined && isAt(`/proc/${pid}/ns/net`, identityIn(entry)) ? pid : undefined;
}

/** The first process in each network namespace, by inode. */
export function pidsByInode(): ReadonlyMap<bigint, number> {
  const pids = new Map<bigint, number>();
  for (const pid of everyPid()) {
    const inode = inodeAt(`/proc/${pid}/ns/net`);
    if (inode !== undefined && !pids.has(BigInt(inode))) pids.set(BigInt(inode), pid);
  }
  return pids;
}

/** The request that removes an attachment of the store. */
export function removalOf(
  { attachment, netnsPath, bridge, ipamType }: Entry,
  dataDir: string | undefined,
): DeleteRequest {
  const configuration = configurationOf(attachment.network, dataDir);
  return {
    attachment,
    network: attachment.network,
    cniVersion: "1.1.0",
    dataDir: dataDir ?? defaultDataDir,
    bridge,
    ipamType: ipamType || ipamTypeOf(configuration),
    netns: netnsPath,
    pluginPath: pluginFolders().split(":"),
    raw: {
      environment: {
        CNI_COMMAND: "DEL",
        CNI_CONTAINERID: attachment.container,
        CNI_NETNS: netnsPath,
        CNI_IFNAME: attachment.ifname,
        CNI_PATH: pluginFolders(),
      },
      stdin: JSON.stringify(configuration),
    },
  };
}

/** The IPAM kind for a rebuilt entry, which has none: the configured one, or else our own. */
function ipamTypeOf(configuration: object): string {
  try {
    return readIdentity({}, stdinOf(configuration), ownType).ipamType;
  } catch {
    return ownType;
  }
}

/** The network's configuration, or its name alone if it has none any more. A delegate gets it again, in the version written there. */
export function configurationOf(network: string, dataDir: string | undefined): object {
  return { cniVersion: "1.1.0", ...writtenOf(network, dataDir), name: network };
}

function writtenOf(network: string, dataDir: string | undefined): object {
  try {
    return readNetwork(network, undefined, dataDir);
  } catch {
    return { ...defaultNetwork };
  }
}
