/** The schema for editors (conf/ns-net.schema.json): JSON Schema draft-07 of a plugin's configuration or of a list of them. */
import { staticIpam, storeIpam } from "./ipam.ts";
import { network } from "./network.ts";
import type { Schema } from "./schema.ts";

type Published = Record<string, unknown>;

const ipamByType = [
  { types: ["ns-net", "host-local"], schema: storeIpam },
  { types: ["static"], schema: staticIpam },
];

const networkName = { pattern: "^[a-zA-Z0-9][a-zA-Z0-9_.-]*$", maxLength: 255 };

/** The published schema as a value; scripts/build/validators.ts writes it. */
export function published(): Published {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    $id: "https://ns-net.dev/ns-net.schema.json",
    title: "ns-net network configuration",
    description: "A CNI configuration for the plugin ns-net: one plugin's (.conf, .json) or a list (.conflist).",
    type: "object",
    if: { required: ["plugins"] },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so.
    then: { $ref: "#/definitions/list" },
    else: { allOf: [{ $ref: "#/definitions/plugin" }, { required: ["name"] }] },
    definitions: { plugin: plugin(), list: pluginList(), ipam: ipam() },
  };
}

function plugin(): Published {
  const { properties, ...rest } = plain(network) as { properties: Record<string, Published> };
  Object.assign(properties.name!, networkName);
  return {
    ...rest,
    required: ["type"],
    properties: {
      ...properties,
      ipam: { $ref: "#/definitions/ipam" },
      capabilities: { type: "object", description: "Capabilities that the runtime may use: name to true" },
    },
  };
}

function pluginList(): Published {
  const flag = (description: string) => ({ enum: [true, false, "true", "false"], description });
  return {
    type: "object",
    description: "A list of plugins that are called one after the other",
    required: ["name", "plugins"],
    properties: {
      cniVersion: { type: "string", description: "Version of the CNI specification" },
      cniVersions: { type: "array", items: { type: "string" }, description: "Versions that the list works with" },
      name: { type: "string", description: "Name of the network, unique on the host", ...networkName },
      disableCheck: flag("Never call CHECK"),
      disableGC: flag("Never call GC"),
      loadOnlyInlinedPlugins: flag("Do not look for further plugins in the folder named as the network"),
      plugins: {
        type: "array",
        minItems: 1,
        description: "The plugins' configurations",
        items: {
          if: { properties: { type: { const: "ns-net" } }, required: ["type"] },
          // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so.
          then: { $ref: "#/definitions/plugin" },
          else: { type: "object", required: ["type"], properties: { type: { type: "string" } } },
        },
      },
    },
  };
}

function ipam(): Published {
  return {
    type: "object",
    description: "The plugin that gives addresses; {} for none",
    allOf: ipamByType.map(({ types, schema }) => ({
      if: { properties: { type: { enum: types } }, required: ["type"] },
      // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so.
      then: plain(schema),
    })),
  };
}

/** Without our own additions. `errorMessage` is what editors built on VS Code's JSON service show. */
function plain({ mustBe, properties, items, ...rest }: Schema): Published {
  return {
    ...rest,
    errorMessage: `must be ${mustBe}`,
    ...(properties !== undefined && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, plain(value)])),
    }),
    ...(items !== undefined && { items: plain(items) }),
  };
}
