/** The parts of the documents that are made from the sources: whole files, and regions between two comments. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commandsPage } from "./commandsPage.ts";
import { configurationTable } from "./configuration.ts";
import { folderPicture } from "./folderPicture.ts";
import { lessonPages } from "./lessonPages.ts";
import { recorded, speedChart } from "./speed.ts";

const root = join(import.meta.dirname, "../..");

const regions: Readonly<Record<string, (name: string) => string>> = {
  keys: configurationTable,
  figures: (name) => recorded().tables[name] ?? fail(`docs/figures.json has no table ${name}`),
  machine: () => recorded().machine,
};

function fail(message: string): never {
  throw new Error(message);
}

const region = /(<!-- (\w+): ([\w-]+) -->\n)[\s\S]*?(\n?<!-- end -->)/g;

/** The page with its regions `<!-- keys: bridge -->` … `<!-- end -->` made again. */
export const withRegions = (text: string): string =>
  text.replace(region, (whole, begin, kind, name, end) => {
    const make = Object.hasOwn(regions, kind) ? regions[kind] : undefined;
    return make === undefined ? whole : `${begin}${make(name)}\n${end.trim()}`;
  });

/** Files that are made as a whole, by path. The pages of lessons show no output. */
export async function madeFiles(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ["docs/pictures/folders.svg", folderPicture()],
    ["docs/commands.md", await commandsPage()],
    ["docs/pictures/speed.svg", speedChart(recorded())],
    ...lessonPages(),
  ]);
}

/** The text of a file of this clone; empty if there is none. */
export function textOf(file: string): string {
  try {
    return readFileSync(join(root, file), "utf8");
  } catch {
    return "";
  }
}
