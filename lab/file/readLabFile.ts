/** A lab file's text as values. Throws BadLabFile with every mistake of syntax and form. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, parse } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import { nearest } from "../../conf/nearest.ts";
import { parseDocumentOf } from "./document.ts";
import { readAcross, readHosts } from "./hosts.ts";
import { readImpairs } from "./impair.ts";
import type { LabFile } from "./labFile.ts";
import { readLinks } from "./links.ts";
import { BadLabFile, type Mistake, type Source } from "./mistakes.ts";
import { readNetworks } from "./networks.ts";
import { readPods, readRouters } from "./pods.ts";
import { type Field, Reader, TooManyNodes } from "./reader.ts";
import { readTests } from "./tests.ts";

/** Reads a file. Throws Fault where there is none, and else the error of the file system, with the path in its message. */
export function sourceOf(file: string): Source {
  try {
    return { file, text: readFileSync(file, "utf8") };
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "ENOENT" ? noFile(file) : error;
  }
}

function noFile(file: string): Fault {
  const meant = fileNear(file);
  return new Fault(
    code.io,
    `There is no file ${file}`,
    meant === undefined ? "Write one: ns-net lab new lists templates" : `Did you mean ${meant}?`,
  );
}

/** A lab file in the same folder: of the same name with another ending, or of nearly this name. */
function fileNear(file: string): string | undefined {
  const { dir, base, name } = parse(file);
  if (!existsSync(dir || ".")) return undefined;
  const all = readdirSync(dir || ".").filter((one) => /\.ya?ml$/.test(one));
  const found = all.find((one) => parse(one).name === name) ?? nearest(base, all);
  return found && join(dir, found);
}

/** Collects mistakes in `mistakes`; throws BadLabFile only where it cannot go on. */
export function readLabFile(source: Source, mistakes: Mistake[]): LabFile {
  const { document, mistakes: ofSyntax } = parseDocumentOf(source);
  mistakes.push(...ofSyntax);
  if (document === undefined || ofSyntax.length > 0) throw new BadLabFile(source, mistakes);
  const reader = new Reader(document, mistakes);
  try {
    return read(document.contents, reader);
  } catch (error) {
    if (!(error instanceof TooManyNodes)) throw error;
    mistakes.push({
      at: [0, 1],
      message: "aliases multiply this file beyond any lab",
      suggestion: "use fewer aliases",
    });
    throw new BadLabFile(source, mistakes);
  }
}

const keys = [
  ...(["name", "hosts", "across", "networks", "pods", "routers"] as const),
  ...(["links", "impair", "outside", "tests"] as const),
] as const;

function read(contents: unknown, reader: Reader): LabFile {
  const node = (contents ?? undefined) as Parameters<typeof readNetworks>[0];
  const found: { readonly [K in (typeof keys)[number]]?: Field } = reader.known(node, "a lab", keys) ?? {};
  if (!found.pods && reader.mistakes.length === 0)
    reader.report([0, 1], "the lab has no pods", "write pods: with at least one name below");
  return {
    name: found.name && reader.text(found.name.node, "name", found.name.key.at),
    hosts: readHosts(found.hosts?.node, reader),
    across: readAcross(found.across, reader),
    networks: readNetworks(found.networks?.node, reader),
    pods: [...readPods(found.pods?.node, reader), ...readRouters(found.routers?.node, reader)],
    links: readLinks(found.links?.node, reader),
    impairs: readImpairs(found.impair?.node, reader),
    outside:
      (found.outside && reader.oneOf(found.outside.node, "outside", ["simulated", "none"] as const)) ?? "simulated",
    tests: readTests(found.tests?.node, reader),
  };
}
