/** A subnet that was chosen once, and that a configuration took since. */
import type { Request } from "../../conf/request.ts";
import { overlaps, parseCidr } from "../../ip/address.ts";
import { openedStore } from "../attachments.ts";
import { collectAll } from "../collect.ts";

/**
 * Forgets the chosen subnet of a network that has nothing attached, with its idle bridge, so that a free one is chosen.
 * While something is attached the network keeps it.
 */
export async function forgetTaken({ attachment, config }: Request, reserved: () => readonly string[]): Promise<void> {
  const { network } = attachment;
  const { ipam, dataDir } = config;
  if (!("rangeSets" in ipam) || ipam.rangeSets.length > 0) return;
  using store = openedStore(dataDir);
  const chosen = parseCidr(store?.memory(network)?.chosen ?? "");
  if (!store || !chosen || store.entries(network).length > 0) return;
  const isTaken = reserved().some((text) => {
    const other = parseCidr(text);
    return other !== undefined && overlaps(chosen, other);
  });
  if (!isTaken) return;
  const { errors } = await collectAll(dataDir, { network });
  if (errors[0]) throw errors[0];
  if (store.entries(network).length === 0) store.forgetNetwork(network);
}
