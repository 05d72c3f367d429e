/** Writes leases as files of the reference's host-local, so that it gives no address in use after going back. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostLocalFolder, reservationFolder } from "../../ipam/hostLocal/folder.ts";
import { lastReservedFile } from "../../ipam/hostLocal/reservations.ts";
import type { Entry } from "../../store/entry.ts";
import { openedStore } from "../attachments.ts";
import { touching } from "./files.ts";

export { hostLocalFolder };

/**
 * `FOLDER/network/address` has the container and the interface, `last_reserved_ip.N` the address that range set N gave
 * last. Writes into the folder from which leases were taken over, else below `folder`. Answers the number of leases.
 */
export function leaveLeases(entries: readonly Entry[], dataDir: string, folder?: string): number {
  using store = openedStore(dataDir);
  let written = 0;
  for (const network of new Set(entries.map(({ attachment }) => attachment.network))) {
    const { adoptedFrom, cursors = {} } = store?.memory(network) ?? {};
    const place = folder === undefined && adoptedFrom ? adoptedFrom : reservationFolder(network, folder);
    touching(`make the folder ${place}`, "Without it the reference's host-local may give addresses again", () =>
      mkdirSync(place, { recursive: true, mode: 0o755 }),
    );
    const mine = entries.filter(({ attachment }) => attachment.network === network);
    for (const { attachment, addresses } of mine) {
      for (const { address } of addresses) {
        // With the line end that host-local writes.
        const text = `${attachment.container}\r\n${attachment.ifname}`;
        written += leave(join(place, address.split("/")[0]!), text);
      }
    }
    for (const [set, address] of Object.entries(cursors)) leave(lastReservedFile(place, set), address, "w");
  }
  // When ns-net is installed again, it reads what host-local did since.
  store?.forgetAdoption();
  return written;
}

function leave(path: string, text: string, flag = "wx"): number {
  if (flag === "wx" && existsSync(path)) return 0;
  touching(`leave the lease ${path}`, "Without it the reference's host-local may give the address again", () =>
    writeFileSync(path, text, { mode: 0o600, flag }),
  );
  return 1;
}
