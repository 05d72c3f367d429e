/**
 * A configuration that may be shown to strangers: the keys that ns-net knows, with their values, and the names alone of
 * all others. Other plugins keep tokens, certificates and passwords there.
 */
import { features } from "../../conf/schema/features.ts";
import { staticIpam, storeIpam } from "../../conf/schema/ipam.ts";
import { links } from "../../conf/schema/links.ts";
import { network } from "../../conf/schema/network.ts";
import type { Schema } from "../../conf/schema/schema.ts";

export const leftOut = "(left out)";

interface Shape {
  readonly [key: string]: Shape | "value";
}

/** Values that are numbers, words or addresses; a key with another shape has the shapes of what is below it. */
function shapeOf(schema: Schema): Shape | "value" {
  if (schema.type === "array") return shapeOf(schema.items!);
  if (schema.type !== "object") return "value";
  return shapesOf(schema.properties ?? {});
}

const shapesOf = (properties: Readonly<Record<string, Schema>>): Shape =>
  Object.fromEntries(Object.entries(properties).map(([key, schema]) => [key, shapeOf(schema)]));

const plugin: Shape = {
  ...shapesOf({ ...network.properties, ...features.properties, ...links.properties }),
  ipam: shapesOf({ ...storeIpam.properties, ...staticIpam.properties }),
  capabilities: {
    portMappings: "value",
    bandwidth: "value",
    ips: "value",
    mac: "value",
    ipRanges: "value",
    dns: "value",
  },
};

const configuration: Shape = {
  ...plugin,
  ...{ cniVersions: "value", disableCheck: "value", disableGC: "value", loadOnlyInlinedPlugins: "value" },
  plugins: plugin,
};

/** The configuration of a network, a list or one plugin, without the values of unknown keys. */
export const redacted = (value: unknown): unknown => kept(value, configuration);

function kept(value: unknown, shape: Shape | "value" | undefined): unknown {
  if (shape === undefined) return leftOut;
  if (Array.isArray(value)) return value.map((one) => kept(one, shape));
  if (typeof value !== "object" || value === null) return shape === "value" ? value : leftOut;
  if (shape === "value") return leftOut;
  const own = (key: string) => (Object.hasOwn(shape, key) ? shape[key] : undefined);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, kept(one, own(key))]));
}
