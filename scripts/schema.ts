/**
 * Compiles the schemas of conf/schema/ to conf/generated/validate.js and writes the one for editors.
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

const declarations = `/** Written by scripts/schema.ts. */
export interface SchemaError {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}
export interface Validator {
  (value: unknown): boolean;
  errors?: readonly SchemaError[] | null;
}
${Object.keys(compiled)
  .map((name) => `export declare const ${name}: Validator;`)
  .join("\n")}
`;

/** No messages: ours come from the schemas themselves, see conf/validate.ts. */
function validators(): string {
  const ajv = new Ajv({
    code: { source: true, esm: true, lines: true },
    messages: false,
    inlineRefs: false,
    strict: true,
  });
  const exported: Record<string, string> = {};
  for (const [name, schema] of Object.entries(compiled)) {
    ajv.addSchema({ ...bare(schema, ajv), $id: name });
    exported[name] = name;
  }
  const code = standaloneCode(ajv, exported);
  // The executable must not carry ajv: whatever needs its runtime has no place in our schemas.
  if (/\b(require|import)\b/.test(code)) throw new Error("The compiled validators need ajv at run time");
  return `// Written by scripts/schema.ts.\n${code}`;
}

const names = new Map<Schema, string>();

/** What decides, without what explains. Objects become schemas of their own, so that each is compiled once however often it is used. */
function bare(
  { description, mustBe, default: _, properties, items, ...rules }: Schema,
  ajv: Ajv,
): Record<string, unknown> {
  const part = (schema: Schema) => (schema.type === "object" ? { $ref: named(schema, ajv) } : bare(schema, ajv));
  return {
    ...rules,
    ...(properties !== undefined && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, part(value)])),
    }),
    ...(items !== undefined && { items: part(items) }),
  };
}

function named(schema: Schema, ajv: Ajv): string {
  let name = names.get(schema);
  if (name === undefined) {
    name = `part${names.size}`;
    names.set(schema, name);
    ajv.addSchema({ ...bare(schema, ajv), $id: name });
  }
  return name;
}

mkdirSync(join(conf, "generated"), { recursive: true });
writeFileSync(join(conf, "generated/validate.js"), validators());
writeFileSync(join(conf, "generated/validate.d.ts"), declarations);

// Written only when it says something else: the formatter lays it out in its own way.
const file = join(conf, "ns-net.schema.json");
const before = existsSync(file) ? JSON.stringify(JSON.parse(readFileSync(file, "utf8"))) : "";
if (before !== JSON.stringify(published())) writeFileSync(file, `${JSON.stringify(published(), null, 2)}\n`);
