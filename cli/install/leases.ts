/** Writes leases as files of the reference's host-local, so that it gives no address in use after going back. */
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostLocalFolder, reservationFolder } from "../../ipam/hostLocal/folder.ts";
import { lastReservedFile } from "../../ipam/hostLocal/reservations.ts";
import type { Entry } from "../../store/entry.ts";
import { openedStore } from "../attachments.ts";
import { touching } from "./files.ts";
import { type LeftLease, reservationText } from "./left.ts";

export { hostLocalFolder };

export interface LeaseFolders {
  /** By a person. */
  readonly given: string | undefined;
  /** By the configurations. */
  readonly ofNetwork: ReadonlyMap<string, string>;
}

/**
 * `FOLDER/network/address` has the container and the interface, `last_reserved_ip.N` the address that range set N gave
 * last. Writes into the folder from which leases were taken over, else below one of `folders`. Answers those that it wrote.
 */
export function leaveLeases(entries: readonly Entry[], dataDir: string, folders: LeaseFolders): LeftLease[] {
  using store = openedStore(dataDir);
  const written: LeftLease[] = [];
  for (const network of new Set(entries.map(({ attachment }) => attachment.network))) {
    const { adoptedFrom, cursors = {} } = store?.memory(network) ?? {};
    const { given, ofNetwork } = folders;
    const isKnown = given === undefined && adoptedFrom;
    const place = isKnown ? adoptedFrom : reservationFolder(network, given ?? ofNetwork.get(network));
    touching(`make the folder ${place}`, "Without it the reference's host-local may give addresses again", () =>
      mkdirSync(place, { recursive: true, mode: 0o755 }),
    );
    const mine = entries.filter(({ attachment }) => attachment.network === network);
    for (const { attachment, addresses } of mine) {
      for (const { address } of addresses) {
        const path = join(place, address.split("/")[0]!);
        if (existsSync(path)) continue;
        leave(path, reservationText(attachment), "wx");
        written.push({ attachment, path, modifiedMs: statSync(path).mtimeMs });
      }
    }
    for (const [set, address] of Object.entries(cursors)) leave(lastReservedFile(place, set), address, "w");
  }
  // When ns-net is installed again, it reads what host-local did since.
  store?.forgetAdoption();
  return written;
}

function leave(path: string, text: string, flag: "w" | "wx"): void {
  touching(`leave the lease ${path}`, "Without it the reference's host-local may give the address again", () =>
    writeFileSync(path, text, { mode: 0o600, flag }),
  );
}
