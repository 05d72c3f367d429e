/** Our only table of family inet. */

import { nftTable } from "../../kernel/ownership.ts";
import { family } from "../../netlink/nft/message.ts";
import type { Table } from "../../netlink/nft/table.ts";

export const table: Table = { family: family.inet, name: nftTable };
export const tableComment = "made by ns-net";
