/** Attachments of the reference's plugins that no ADD of ns-net has taken over yet, of every network of the machine. */
import { readdirSync } from "node:fs";
import { isObject } from "../../conf/decode.ts";
import { hostLocalFolder, reservationFolder } from "../../ipam/hostLocal/folder.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { untaken } from "../../plugin/takeover/untaken.ts";
import type { Entry } from "../../store/entry.ts";
import { errno, isKernelError } from "../../sys/errors.ts";
import { isOfUnmappedUser } from "../../sys/namespaces/unmapped.ts";
import { bridgeOf, type Configured, pluginsOf } from "./configured.ts";
import { setsIn } from "./pools.ts";

/**
 * By host-local's reservations, alive or not: the reference keeps no other list. `known`: the entries of the store.
 */
export function everyUntaken(configured: readonly Configured[], known: readonly Entry[], kernel: Kernel): Entry[] {
  const folders = new Map(reservedNetworks().map((network) => [network, reservationFolder(network)]));
  for (const { configuration } of configured) {
    const { name } = configuration;
    const dataDir = pluginsOf(configuration).flatMap(({ ipam }) => (isObject(ipam) ? ipam["dataDir"] : undefined));
    const given = dataDir.find((folder) => typeof folder === "string");
    if (typeof name === "string" && given !== undefined) folders.set(name, reservationFolder(name, given));
  }
  return [...folders].flatMap(([network, folder]) => {
    const own = configured.find(({ configuration }) => configuration["name"] === network);
    const place = { network, folder, bridge: own && bridgeOf(own), sets: own ? setsIn(own) : [] };
    const entries = known.filter(({ attachment }) => attachment.network === network);
    return visible(() => untaken({ ...place, entries, kernel }));
  });
}

/** None for a user who may not read the reservations, as for one who may not read the store. */
function visible(read: () => Entry[]): Entry[] {
  try {
    return read();
  } catch (error) {
    if (["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    if (isKernelError(error, errno.EACCES, errno.EPERM)) return [];
    throw error;
  }
}

/** The networks that host-local ever gave addresses of, in its own folder. */
export function reservedNetworks(): string[] {
  // In a lab of an ordinary user, the reservations of the machine are another's.
  if (isOfUnmappedUser(hostLocalFolder)) return [];
  try {
    return readdirSync(hostLocalFolder);
  } catch {
    return [];
  }
}
