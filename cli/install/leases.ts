/** Leases as files of the reference's host-local, so that it gives none of them to anybody else after going back. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Entry } from "../../ipam/store.ts";
import { touching } from "./files.ts";

/** host-local's own default. */
export const hostLocalFolder = "/var/lib/cni/networks";

/** `FOLDER/network/address` holds the container and the interface. Answers how many were written. */
export function leaveLeases(entries: readonly Entry[], folder = hostLocalFolder): number {
  let written = 0;
  for (const { attachment, addresses } of entries) {
    for (const { address } of addresses) {
      const place = join(folder, attachment.network);
      const path = join(place, address.split("/")[0]!);
      touching(`leave the lease ${path}`, "Without it the reference's host-local may give the address again", () => {
        mkdirSync(place, { recursive: true, mode: 0o755 });
        if (existsSync(path)) return;
        // The line's end is host-local's.
        writeFileSync(path, `${attachment.container}\r\n${attachment.ifname}`, { mode: 0o600, flag: "wx" });
        written++;
      });
    }
  }
  return written;
}
