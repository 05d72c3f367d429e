/** Decodes bytes to a JSON object, or throws a Fault with code 6 that says what is wrong with them. */
import { code, Fault } from "./fault.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** A configuration has one or two KiB; one with 65,535 single ports 6 MiB. */
export const configurationBytesMax = 16 * 1024 * 1024;

/** CNI itself needs 7 levels (a range in the ipam of a plugin in a list). The rest is for other programs' keys. */
export const depthMax = 64;

interface Decoded {
  readonly text: string;
  readonly object: JsonObject;
}

/** Standard input as text and as a value. */
export function decodeObject(bytes: Uint8Array): Decoded {
  const text = decodeText(bytes);
  checkNesting(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw undecodable(
      `is not JSON: ${(error as Error).message}`,
      "look for a missing comma, bracket or quotation mark",
    );
  }
  if (!isObject(value)) throw undecodable("is not a JSON object", "write it in braces: { … }");
  return { text, object: value };
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function decodeText(bytes: Uint8Array): string {
  if (bytes.byteLength > configurationBytesMax) {
    throw undecodable(
      `has more than ${configurationBytesMax} bytes`,
      `keep it within ${configurationBytesMax} bytes (16 MiB)`,
    );
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw undecodable("is not UTF-8", "save the file in UTF-8");
  }
  if (text.trim() === "") throw undecodable("is empty", "give a network configuration as JSON on standard input");
  return text;
}

/** Runs before JSON.parse, whose recursion a hostile text could exhaust. Also recognizes a text that was cut off. */
function checkNesting(text: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (inString) {
      if (char === "\\") i++;
      else if (char === '"') inString = false;
    } else if (char === '"') {
      inString = true;
    } else if (char === "{" || char === "[") {
      if (++depth > depthMax) throw undecodable(`is nested deeper than ${depthMax} levels`, "make it flatter");
    } else if (char === "}" || char === "]") {
      depth--;
    }
  }
  if (depth > 0 || inString) throw undecodable("ends too soon", "give it whole: it may have been cut off on the way");
}

function undecodable(what: string, cure: string): Fault {
  return new Fault(code.decode, `Cannot decode the network configuration: it ${what}`, cure);
}
