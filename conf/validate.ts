/** The compiled schemas, with complaints in our words: path, value, what it must be. */
import { badConfig, type Fault } from "./fault.ts";
import { network, storeIpam, type Validator } from "./generated/common.js";
import { canonical } from "./keys.ts";
import type { CompiledName, compiled } from "./schema/compiled.ts";
import { storeIpam as storeIpamSchema } from "./schema/ipam.ts";
import { network as networkSchema } from "./schema/network.ts";
import type { Accepted, Schema } from "./schema/schema.ts";

interface Rule {
  readonly schema: Schema;
  readonly validate: Validator;
}

const ruleOf = (name: CompiledName): Rule => {
  if (name === "network") return { schema: networkSchema, validate: network };
  if (name === "storeIpam") return { schema: storeIpamSchema, validate: storeIpam };
  return (require("./rare.ts") as typeof import("./rare.ts")).rare[name];
};

/** The value with our spelling of its keys (see canonical()), of the type that the schema accepts. Throws code 7. */
export function validated<Name extends CompiledName>(
  name: Name,
  value: unknown,
  path: string,
): Accepted<(typeof compiled)[Name]> {
  const { schema, validate } = ruleOf(name);
  const spelt = canonical(value, schema);
  if (validate(spelt)) return spelt as Accepted<(typeof compiled)[Name]>;
  const { instancePath, keyword, params } = validate.errors![0]!;
  // A JSON pointer; "~" and "/" occur in no key of ours, so nothing in it is escaped.
  const steps = instancePath.split("/").slice(1);
  if (keyword === "required") steps.push(String(params.missingProperty));
  throw complaint(schema, spelt, steps, path);
}

function complaint(schema: Schema, value: unknown, steps: readonly string[], path: string): Fault {
  let [rule, found, where]: [Schema, unknown, string] = [schema, value, path];
  for (const step of steps) {
    found = (found as Readonly<Record<string, unknown>>)[step];
    const inList = rule.items !== undefined;
    rule = rule.items ?? rule.properties![step]!;
    where = inList ? `${where}[${step}]` : where === "" ? step : `${where}.${step}`;
  }
  const quoted = typeof found === "string" && rule.type !== "string" ? ", without quotation marks" : "";
  return badConfig(where === "" ? "the configuration" : where, found, rule.mustBe + quoted);
}
