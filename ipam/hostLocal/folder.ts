/** Where the reference's host-local keeps its leases. Apart from what reads them: every first ADD of a network asks for it. */

/** host-local's own default for `ipam.dataDir`. */
export const hostLocalFolder = "/var/lib/cni/networks";

export function reservationFolder(network: string, hostLocalDir = hostLocalFolder): string {
  return `${hostLocalDir}/${network}`;
}
