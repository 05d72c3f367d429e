/**
 * Reads a configuration of a person, in YAML or JSON. Only the command line loads this file, because the parser takes
 * time to load.
 */
import { LineCounter, parseDocument } from "yaml";
import { depthMax } from "../conf/decode.ts";
import { code, Fault } from "../conf/fault.ts";

/** The parser takes a hundred times as long as JSON.parse. */
const textBytesMax = 1024 * 1024;

/** How much YAML anchors may multiply a text: the package's default. */
const aliasesMax = 100;

/**
 * Parses to a JSON value: objects, lists, strings, finite numbers, booleans and null. Throws code 6 with line and
 * column.
 */
export function parseYaml(text: string, fileName: string): unknown {
  if (Buffer.byteLength(text) > textBytesMax) {
    throw new Fault(
      code.decode,
      `Cannot read ${fileName}: it has more than ${textBytesMax} bytes`,
      "keep it within 1 MiB",
    );
  }
  if (unclosedMost(text) > unclosedMax) {
    throw new Fault(
      code.decode,
      `Cannot read ${fileName}: it is nested deeper than ${depthMax} levels`,
      "make it flatter",
    );
  }
  try {
    return parsed(text, fileName);
  } catch (error) {
    if (error instanceof Fault) throw error;
    // Too many aliases, or nesting that exhausts the parser's recursion.
    throw new Fault(
      code.decode,
      `Cannot read ${fileName}: ${(error as Error).message}`,
      "make it flatter, with fewer aliases",
    );
  }
}

/**
 * The parser's time grows with the square of the nesting. This counts brackets in comments, too, so the limit is
 * generous.
 */
const unclosedMax = 1000;

function unclosedMost(text: string): number {
  let [unclosed, most] = [0, 0];
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    unclosed += bracket === "[" || bracket === "{" ? 1 : -1;
    most = Math.max(most, unclosed);
  }
  return most;
}

function parsed(text: string, fileName: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    schema: "core",
    version: "1.2",
    logLevel: "error",
  });
  // A warning means an unknown tag: the value would not be what the person meant.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const { line, col } = lineCounter.linePos(problem.pos[0]);
    const said =
      problem.code === "MULTIPLE_DOCS" ? "a second document begins, and only one is allowed" : problem.message;
    throw new Fault(
      code.decode,
      `Cannot read ${fileName}, line ${line}, column ${col}: ${said}`,
      "correct the file there",
    );
  }
  const value: unknown = document.toJS({ maxAliasCount: aliasesMax });
  refuseUnlikeJson(value, fileName, "", 0);
  return value;
}

/** YAML has numbers that JSON lacks, and aliases can nest without end. */
function refuseUnlikeJson(value: unknown, fileName: string, path: string, depth: number): void {
  if (depth > depthMax) {
    throw new Fault(
      code.decode,
      `Cannot read ${fileName}: it is nested deeper than ${depthMax} levels`,
      "make it flatter",
    );
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new Fault(
      code.decode,
      `Cannot read ${fileName}: ${path} is a number that JSON does not have`,
      "write it in digits",
    );
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    refuseUnlikeJson(item, fileName, path === "" ? key : `${path}.${key}`, depth + 1);
  }
}
