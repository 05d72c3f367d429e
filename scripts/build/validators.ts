/**
 * Compiles the schemas of conf/schema/ to conf/generated/, and writes the published one. Ahead of time, because ajv
 * takes 50 ms to compile a small schema at run time, four times a whole ADD.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import standaloneCode from "ajv/dist/standalone/index.js";
import { type CompiledName, compiled } from "../../conf/schema/compiled.ts";
import { published } from "../../conf/schema/publish.ts";
import type { Shape } from "../../conf/schema/rule.ts";
import type { Schema } from "../../conf/schema/schema.ts";
import { labSchema } from "../../lab/schema.ts";
import { deciding } from "./yesOrNo.ts";

const conf = join(import.meta.dirname, "../../conf");

/**
 * The validators of every ADD, and the rest, which are loaded when needed: conf/schema/validate.ts,
 * conf/config/lateRules.ts.
 */
const files = {
  common: ["network", "storeIpam"],
  rare: ["staticIpam", "result", "oldResult", "features", "links"],
} as const satisfies Record<string, readonly CompiledName[]>;

const declarations = (type: string, exported: readonly string[]) => `/** Written by scripts/build/validators.ts. */
import type { ${type} } from "../schema/rule.ts";
${exported.map((name) => `export declare const ${name}: ${type};`).join("\n")}
`;

/**
 * The keys of a schema, for conf/schema/keys.ts. As JSON, which the engine reads faster than it runs an object literal.
 */
function shapeOf({ properties, items }: Schema): Shape {
  return {
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, part]) => [key, shapeOf(part)])),
    }),
    ...(items && { items: shapeOf(items) }),
  };
}

/** Each schema as a rule: its shape and its validator. */
function rules(exported: readonly CompiledName[]): string {
  const lines = exported.map((name) => {
    const shape = JSON.stringify(JSON.stringify(shapeOf(compiled[name])));
    return `export const ${name} = { shape: JSON.parse(${shape}), accepts: ${name}Accepts };\n`;
  });
  const code = validators(Object.fromEntries(exported.map((name) => [`${name}Accepts`, name])));
  return withoutUnused(deciding(code).replace(/^export const/gm, "const")) + lines.join("");
}

/** Without messages: ours come from the schemas (conf/schema/explain.ts). */
function validators(exported: Readonly<Record<string, CompiledName>>): string {
  const ajv = new Ajv({
    code: { source: true, esm: true, lines: true },
    messages: false,
    inlineRefs: false,
    strict: true,
  });
  const names = new Map<Schema, string>();
  for (const name of Object.values(exported)) ajv.addSchema({ ...bare(compiled[name], ajv, names), $id: name });
  const code = standaloneCode(ajv, exported);
  // The executable must not contain ajv, so a schema that needs its run time is an error.
  if (/\b(require|import)\b/.test(code)) throw new Error("The compiled validators need ajv at run time");
  return `// Written by scripts/build/validators.ts.\n${withoutUnused(code)}`;
}

/**
 * ajv writes every schema into the code, though few validators read theirs, and code at a module's top runs when the
 * module is loaded.
 */
function withoutUnused(code: string): string {
  return code.replace(/^const (schema\d+) = .*\n/gm, (line, name: string) => {
    return code.split(new RegExp(`\\b${name}\\b`)).length > 2 ? line : "";
  });
}

/**
 * The rules of a schema without its words. Objects become schemas of their own, so that each is compiled once, however
 * often it is used.
 */
function bare(
  { description, mustBe, default: _, properties, items, ...rules }: Schema,
  ajv: Ajv,
  names: Map<Schema, string>,
): Record<string, unknown> {
  const part = (schema: Schema) =>
    schema.type === "object" ? { $ref: named(schema, ajv, names) } : bare(schema, ajv, names);
  return {
    ...rules,
    ...(properties !== undefined && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, part(value)])),
    }),
    ...(items !== undefined && { items: part(items) }),
  };
}

function named(schema: Schema, ajv: Ajv, names: Map<Schema, string>): string {
  let name = names.get(schema);
  if (name === undefined) {
    name = `part${names.size}`;
    names.set(schema, name);
    ajv.addSchema({ ...bare(schema, ajv, names), $id: name });
  }
  return name;
}

mkdirSync(join(conf, "generated"), { recursive: true });
const generate = (file: string, code: string, type: string, exported: readonly CompiledName[]) => {
  writeFileSync(join(conf, `generated/${file}.js`), code);
  writeFileSync(join(conf, `generated/${file}.d.ts`), declarations(type, exported));
};
for (const [file, exported] of Object.entries(files)) generate(file, rules(exported), "Rule", exported);
const everyName = Object.keys(compiled) as CompiledName[];
const explaining = validators(Object.fromEntries(everyName.map((name) => [name, name])));
generate("explaining", explaining, "Explaining", everyName);

// Written only if the content changed, because the formatter lays the files out differently.
function publish(file: string, schema: object): void {
  const before = existsSync(file) ? JSON.stringify(JSON.parse(readFileSync(file, "utf8"))) : "";
  if (before !== JSON.stringify(schema)) writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
}

publish(join(conf, "ns-net.schema.json"), published());
publish(join(conf, "../lab/ns-net-lab.schema.json"), labSchema);
