/**
 * The bill of materials: what the executables contain that is not ns-net's own, as CycloneDX JSON. npm writes it from
 * package-lock.json; only what is compiled in stays, and what would differ between two runs is replaced.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../setup/process.mjs";

const root = join(import.meta.dirname, "../..");

/** The part of CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/) that is read or changed here. */
interface Component {
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly scope?: string;
  readonly properties?: readonly { readonly name: string }[];
  readonly licenses?: readonly object[];
}

interface Bill {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** The npm packages in a bundle. Bun's bundler writes the path of each source before its code. */
export function packagesIn(bundle: string): string[] {
  const found = new Set<string>();
  for (const file of readdirSync(bundle)) {
    const paths = readFileSync(join(bundle, file), "utf8").matchAll(
      /^\/\/ .*\bnode_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//gm,
    );
    for (const [, name] of paths) found.add(name!);
  }
  return [...found].sort();
}

/** A UUID that the content decides (RFC 9562, version 8). */
function uuidOf(content: string): string {
  const hex = new Bun.CryptoHasher("sha256").update(content).digest("hex");
  const [a, b, c, d, e] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(13, 16), hex.slice(17, 20), hex.slice(20, 32)];
  return `urn:uuid:${a}-${b}-8${c}-8${d}-${e}`;
}

/** All are compiled in, so none is optional and none is only for development. */
const compiledIn = ({ scope: _, properties = [], ...component }: Component): Component => ({
  ...component,
  scope: "required",
  properties: properties.filter(({ name }) => name !== "cdx:npm:package:development"),
});

/** The bill for executables that contain `names`. `date` is in seconds since 1970. */
export async function billOfMaterials(names: readonly string[], date: number): Promise<string> {
  const options = ["--sbom-format=cyclonedx", "--sbom-type=application", "--package-lock-only"];
  const bill: Bill = JSON.parse(await run("npm", ["sbom", "--silent", ...options], { cwd: root }));
  const components = bill.components.filter(({ name }) => names.includes(name)).map(compiledIn);
  const missing = names.filter((name) => !components.some((component) => component.name === name));
  if (missing.length > 0) throw new Error(`package-lock.json does not have ${missing.join(", ")}: run npm install`);
  const refs = components.map((component) => component["bom-ref"]);
  // npm takes the name from the folder.
  const own: Component = { ...bill.metadata.component, name: "ns-net", properties: [] };
  const content = {
    ...bill,
    metadata: { ...bill.metadata, timestamp: new Date(date * 1000).toISOString(), component: own },
    components,
    dependencies: [{ ref: own["bom-ref"], dependsOn: refs }, ...refs.map((ref) => ({ ref, dependsOn: [] }))],
  };
  const withoutNumber = JSON.stringify({ ...content, serialNumber: "" });
  return `${JSON.stringify({ ...content, serialNumber: uuidOf(withoutNumber) }, null, 2)}\n`;
}

/** The licences that must go with the executables. Bun's package contains none, so its terms are named. */
export function licences(names: readonly string[]): Record<string, string> {
  const { version } = JSON.parse(readFileSync(join(root, "node_modules/bun/package.json"), "utf8"));
  const texts = names.map((name): [string, string] => [
    `licenses/${name.replace("/", "-")}`,
    readFileSync(join(root, "node_modules", name, "LICENSE"), "utf8"),
  ]);
  const bun =
    `The executable contains Bun ${version} (MIT). Bun contains JavaScriptCore and WebKit (LGPL-2), SQLite and other\n` +
    `libraries. Their licences, and how to link Bun with another JavaScriptCore: https://bun.com/docs/project/license\n`;
  return { "licenses/bun": bun, ...Object.fromEntries(texts) };
}
