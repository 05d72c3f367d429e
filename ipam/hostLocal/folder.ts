/**
 * The folder of the reference's host-local. A file of its own, because every first ADD of a network reads it, and few
 * read the leases.
 */

/** host-local's own default for `ipam.dataDir`. */
export const hostLocalFolder = "/var/lib/cni/networks";

export function reservationFolder(network: string, hostLocalDir = hostLocalFolder): string {
  return `${hostLocalDir}/${network}`;
}
