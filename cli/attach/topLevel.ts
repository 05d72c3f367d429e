/** Keys that a runtime writes into `runtimeConfig` and a person at the top of a file. */
import { isObject } from "../../conf/decode.ts";
import { badConfig, code, Fault, shown } from "../../conf/fault.ts";
import { ownType } from "../../conf/pluginType.ts";

type Json = Readonly<Record<string, unknown>>;

const keys = ["portMappings", "bandwidth"] as const;

/**
 * The configuration as a runtime would send it. Throws Fault for a key in both places, or a type that serves none of
 * them.
 */
export function asRuntimeSends(configuration: Json): Json {
  const { runtimeConfig = {} } = configuration;
  const rest: Record<string, unknown> = { ...configuration };
  const moved: Record<string, unknown> = {};
  for (const written of Object.keys(configuration)) {
    const key = keys.find((one) => one.toLowerCase() === written.toLowerCase());
    if (key === undefined) continue;
    const value = configuration[written];
    delete rest[written];
    if (value === null) continue; // null means "left out" in Go
    if (configuration["type"] !== ownType) throw notServed(written, value, configuration["type"]);
    moved[key] = value;
  }
  if (Object.keys(moved).length === 0) return configuration;
  if (!isObject(runtimeConfig)) return { ...rest, runtimeConfig }; // refused later, with the rest
  for (const key in moved)
    if (Object.keys(runtimeConfig).some((one) => one.toLowerCase() === key.toLowerCase()))
      throw badConfig(key, moved[key], "written once, at the top or in runtimeConfig");
  return { ...rest, runtimeConfig: { ...runtimeConfig, ...moved } };
}

function notServed(key: string, value: unknown, type: unknown): Fault {
  return new Fault(
    code.unsupportedField,
    `Cannot use ${key} = ${shown(value)}: a plugin of type ${shown(type)} does not serve it`,
    `A command runs one plugin of a list: use type ${ownType}, which serves it in the same call`,
  );
}
