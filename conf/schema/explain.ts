/** Explains a refusal: path, value, what it must be. Loaded only for a refusal. */
import { badConfig, type Fault } from "../fault.ts";
import { features, links, network, oldResult, result, staticIpam, storeIpam } from "../generated/explaining.js";
import { type CompiledName, compiled } from "./compiled.ts";
import type { Explaining } from "./rule.ts";
import type { Schema } from "./schema.ts";

const explaining: Readonly<Record<CompiledName, Explaining>> = {
  ...{ network, storeIpam, staticIpam, features, links },
  ...{ result, oldResult },
};

/** The first complaint about a value that a rule refuses. `path` is where the value is, "" at the top. */
export function complaint(name: CompiledName, value: unknown, path: string): Fault {
  const validate = explaining[name];
  if (validate(value)) throw new Error(`The rules about ${name} contradict each other`);
  const { instancePath, keyword, params } = validate.errors![0]!;
  // A JSON pointer. No key of ours contains "~" or "/", so nothing in it is escaped.
  const steps = instancePath.split("/").slice(1);
  if (keyword === "required") steps.push(String(params.missingProperty));
  return faultAt(compiled[name], value, steps, path);
}

function faultAt(schema: Schema, value: unknown, steps: readonly string[], path: string): Fault {
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
