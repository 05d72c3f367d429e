/** The expressions by the kernel's names. One that is missing here makes the answer depend on it, by its name. */
import { evaluateMatch } from "../xtables/match.ts";
import { evaluateTarget } from "../xtables/target.ts";
import { evaluateBitwise, evaluateByteOrder, evaluateCompare, evaluateRange } from "./compare.ts";
import { evaluateConntrack } from "./conntrack.ts";
import { evaluateFib } from "./fib.ts";
import { evaluateDynamicSet, evaluateLookup, evaluateObject } from "./lookup.ts";
import { evaluateMeta } from "./meta.ts";
import { evaluatePayload } from "./payload.ts";
import type { Evaluate } from "./rule.ts";
import {
  evaluateExtension,
  evaluateHash,
  evaluateImmediate,
  evaluateNumgen,
  nothing,
  notrack,
  queue,
  reject,
  unknownMatch,
  unknownValue,
} from "./statement.ts";
import { evaluateMasquerade, evaluateNat, evaluateRedirect } from "./translate.ts";

const evaluators: Readonly<Record<string, Evaluate>> = {
  bitwise: evaluateBitwise,
  byteorder: evaluateByteOrder,
  cmp: evaluateCompare,
  connlimit: unknownMatch("ct count"),
  counter: nothing,
  ct: evaluateConntrack,
  dynset: evaluateDynamicSet,
  exthdr: evaluateExtension,
  fib: evaluateFib,
  hash: evaluateHash,
  immediate: evaluateImmediate,
  last: nothing,
  limit: unknownMatch("limit"),
  log: nothing,
  lookup: evaluateLookup,
  masq: evaluateMasquerade,
  match: evaluateMatch,
  meta: evaluateMeta,
  nat: evaluateNat,
  notrack,
  numgen: evaluateNumgen,
  objref: evaluateObject,
  osf: unknownValue("osf", 1),
  payload: evaluatePayload,
  queue,
  quota: unknownMatch("quota"),
  range: evaluateRange,
  redir: evaluateRedirect,
  reject,
  rt: unknownValue("rt", 1),
  socket: unknownValue("socket", 2),
  target: evaluateTarget,
  tunnel: unknownValue("tunnel", 2),
  xfrm: unknownValue("ipsec", 1),
};

/** The evaluator of an expression; a choice for one that is not known. */
export function evaluatorOf(name: string): Evaluate {
  return evaluators[name] ?? unknownMatch(name);
}
