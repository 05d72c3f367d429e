/** Validates values by code that was compiled ahead of time and only decides. */
import defer * as lateRules from "../config/lateRules.ts";
import { network, storeIpam } from "../generated/common.js";
import type { CompiledName, compiled } from "./compiled.ts";
import defer * as explain from "./explain.ts";
import { canonical } from "./keys.ts";
import type { Rule } from "./rule.ts";
import type { Accepted } from "./schema.ts";

const ruleOf = (name: CompiledName): Rule => {
  if (name === "network") return network;
  if (name === "storeIpam") return storeIpam;
  return lateRules.rare[name];
};

/** Answers the value with canonical keys (see canonical()), of the schema's type. Throws code 7. */
export function validated<Name extends CompiledName>(
  name: Name,
  value: unknown,
  path: string,
): Accepted<(typeof compiled)[Name]> {
  const { shape, accepts } = ruleOf(name);
  const spelt = canonical(value, shape);
  if (accepts(spelt)) return spelt as Accepted<(typeof compiled)[Name]>;
  throw explain.complaint(name, spelt, path);
}
