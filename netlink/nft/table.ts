/** Tables: NFTA_TABLE_*. */

import { errno, tolerating } from "../../sys/errors.ts";
import { attributes, be32, text } from "../codec.ts";
import { flags, type Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { comment } from "./comment.ts";
import { nftMessage, nftType } from "./message.ts";

export interface Table {
  readonly family: number;
  readonly name: string;
}

const tableAttributes = attributes({ name: [1, text], flags: [2, be32], comment: [6, comment] });

/** Creates a table, or leaves an existing one. */
export function newTable({ family, name }: Table, words?: string): Message {
  const payload = tableAttributes.put({ name, flags: 0, comment: words });
  return nftMessage(`create nf_tables table ${name}`, nftType.newTable, family, flags.create, payload);
}

/** Deletes a table with everything in it. Refused with ENOENT if it does not exist. */
export function deleteTable({ family, name }: Table): Message {
  return nftMessage(`delete nf_tables table ${name}`, nftType.deleteTable, family, 0, tableAttributes.put({ name }));
}

export function hasTable(socket: NetlinkSocket, { family, name }: Table): boolean {
  const payload = tableAttributes.put({ name });
  const message = nftMessage(`look up nf_tables table ${name}`, nftType.getTable, family, 0, payload);
  return tolerating(() => socket.request(message), errno.ENOENT) !== undefined;
}
