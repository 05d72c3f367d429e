/**
 * The attributes of expressions as other programs write them: more than ns-net itself sends (../expr/). Numbers:
 * linux/netfilter/nf_tables.h.
 */
import { attributes, be32, be64, bytes, list, nest, text } from "../../codec.ts";
import { bitwise } from "../expr/bitwise.ts";
import { conntrack } from "../expr/conntrack.ts";
import { data } from "../expr/expression.ts";
import { lookup } from "../expr/lookup.ts";
import { nat } from "../expr/nat.ts";
import { payload } from "../expr/payload.ts";
import { numgen } from "../expr/random.ts";

/** NFTA_BITWISE_*: also shifts, and the second operand of Linux 6.13. */
export const bitwiseRead = attributes({ ...bitwise.table, shift: [7, nest(data)], second: [8, be32] });

/** NFTA_CT_*: also a value that is set, and the direction of a tuple. */
export const conntrackRead = attributes({ ...conntrack.table, direction: [3, bytes], source: [4, be32] });

/** NFTA_PAYLOAD_*: also bytes that are written. */
export const payloadRead = attributes({ ...payload.table, source: [5, be32] });

/** NFTA_LOOKUP_*. */
export const lookupRead = attributes({ ...lookup.table, flags: [5, be32] });

/** NFTA_NAT_*: an address and a port to another address and port. */
export const natRead = attributes({ ...nat.table, lastAddress: [4, be32], lastPort: [6, be32], flags: [7, be32] });

/** NFTA_MASQ_* and NFTA_REDIR_*. */
export const masqueradeRead = attributes({ flags: [1, be32], port: [2, be32], lastPort: [3, be32] });
export const redirectRead = attributes({ port: [1, be32], lastPort: [2, be32], flags: [3, be32] });

/** NFTA_RANGE_*. */
export const range = attributes({
  source: [1, be32],
  operator: [2, be32],
  from: [3, nest(data)],
  to: [4, nest(data)],
});

/** NFTA_NG_*. */
export const numgenRead = attributes({ ...numgen.table, offset: [4, be32] });

/** NFTA_HASH_*. */
export const hash = attributes({
  source: [1, be32],
  destination: [2, be32],
  length: [3, be32],
  modulus: [4, be32],
  offset: [6, be32],
});

/** NFTA_EXTHDR_*. */
export const extensionHeader = attributes({ destination: [1, be32], flags: [5, be32], operation: [6, be32] });

/** Any expression that loads a value and has its destination in attribute 1 or 2. */
export const firstDestination = attributes({ destination: [1, be32] });
export const secondDestination = attributes({ destination: [2, be32] });

/** NFTA_DYNSET_*. */
const inSet = { ...attributes({ name: [1, text] }), nested: true };
export const dynamicSet = attributes({
  set: [1, text],
  operation: [3, be32],
  source: [4, be32],
  timeout: [6, be64],
  expression: [7, inSet],
  flags: [9, be32],
  expressions: [10, list(1, inSet)],
});

/** NFTA_OBJREF_*: a named object, by its type (NFT_OBJECT_*), or the map that chooses one. */
export const objectReference = attributes({ type: [1, be32], name: [2, text], source: [3, be32], set: [4, text] });

/** NFTA_TARGET_*: a target extension of iptables. */
export const target = attributes({ name: [1, text], revision: [2, be32], info: [3, bytes] });
