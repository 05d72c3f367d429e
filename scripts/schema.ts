/**
 * Compiles the schemas of conf/schema/ to conf/generated/ and writes the one for editors.
 * Ahead of time, because ajv needs 50 ms to compile a small schema at run time, four times what a whole ADD takes.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import standaloneCode from "ajv/dist/standalone/index.js";
import { compiled } from "../conf/schema/compiled.ts";
import { published } from "../conf/schema/publish.ts";
import type { Schema } from "../conf/schema/schema.ts";

const conf = join(import.meta.dirname, "../conf");

/** What every ADD asks, and the rest, which is loaded when it is asked: conf/validate.ts, conf/rare.ts. */
const files = {
  common: ["network", "storeIpam"],
  rare: ["staticIpam", "result", "oldResult", "features", "links"],
} as const satisfies Record<string, readonly (keyof typeof compiled)[]>;

const declarations = (exported: readonly string[]) => `/** Written by scripts/schema.ts. */
export interface SchemaError {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}
export interface Validator {
  (value: unknown): boolean;
  errors?: readonly SchemaError[] | null;
}
${exported.map((name) => `export declare const ${name}: Validator;`).join("\n")}
`;

/** No messages: ours come from the schemas themselves, see conf/validate.ts. */
function validators(exported: readonly (keyof typeof compiled)[]): string {
  const ajv = new Ajv({
    code: { source: true, esm: true, lines: true },
    messages: false,
    inlineRefs: false,
    strict: true,
  });
  const names = new Map<Schema, string>();
  for (const name of exported) ajv.addSchema({ ...bare(compiled[name], ajv, names), $id: name });
  const code = standaloneCode(ajv, Object.fromEntries(exported.map((name) => [name, name])));
  // The executable must not carry ajv: whatever needs its runtime has no place in our schemas.
  if (/\b(require|import)\b/.test(code)) throw new Error("The compiled validators need ajv at run time");
  return `// Written by scripts/schema.ts.\n${withoutUnused(code)}`;
}

/** ajv writes down each schema, though few validators look at theirs; and what stands at a module's top is run at its load. */
function withoutUnused(code: string): string {
  return code.replace(/^const (schema\d+) = .*\n/gm, (line, name: string) => {
    return code.split(new RegExp(`\\b${name}\\b`)).length > 2 ? line : "";
  });
}

/** What decides, without what explains. Objects become schemas of their own, so that each is compiled once however often it is used. */
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
for (const [name, exported] of Object.entries(files)) {
  writeFileSync(join(conf, `generated/${name}.js`), validators(exported));
  writeFileSync(join(conf, `generated/${name}.d.ts`), declarations(exported));
}

// Written only when it says something else: the formatter lays it out in its own way.
const file = join(conf, "ns-net.schema.json");
const before = existsSync(file) ? JSON.stringify(JSON.parse(readFileSync(file, "utf8"))) : "";
if (before !== JSON.stringify(published())) writeFileSync(file, `${JSON.stringify(published(), null, 2)}\n`);
