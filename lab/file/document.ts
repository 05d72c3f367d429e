/** A lab file as a tree of YAML nodes, and the mistakes of its syntax in plain words. */
import { type Document, type ErrorCode, isAlias, type Node, parseAllDocuments } from "yaml";
import { type Mistake, type Place, positionOf, type Source } from "./mistakes.ts";

/** A lab file is written by hand; the parser takes a second for ten times as much. */
const textBytesMax = 1024 * 1024;

interface Parsed {
  /** Undefined if the file is empty, or too broken to go on. */
  readonly document: Document | undefined;
  readonly mistakes: readonly Mistake[];
}

export function parseDocumentOf({ text }: Source): Parsed {
  if (Buffer.byteLength(text) > textBytesMax) {
    const message = `the file has more than ${textBytesMax} bytes`;
    return { document: undefined, mistakes: [{ at: [0, 1], message, suggestion: "divide it into several labs" }] };
  }
  const documents = [...parseAllDocuments(text, { version: "1.2", merge: true, prettyErrors: false })];
  const [document, second] = documents;
  // Text of blanks and comments alone has no document.
  if (document === undefined) {
    const suggestion = "write networks: and pods: with at least one pod";
    return { document, mistakes: [{ at: [0, 1], message: "the file is empty", suggestion }] };
  }
  const mistakes = firstOfEachLine(
    documents.flatMap(({ errors }) => errors.map(({ code, message, pos }) => mistakeOf(code, message, pos))),
    text,
  );
  if (second) {
    mistakes.push({
      at: startOf(second, text),
      message: "a second YAML document begins here, and a lab is one document",
      suggestion: "remove the line ---, or write the second lab to a file of its own",
    });
  }
  return { document, mistakes };
}

/**
 * A mistake of syntax often entails others behind it, which say nothing new. One at the end of the file is shown behind the
 * last letter.
 */
function firstOfEachLine(mistakes: readonly Mistake[], text: string): Mistake[] {
  const end = text.trimEnd().length;
  const byLine = new Map<number, Mistake>();
  for (const one of mistakes) {
    const at: Place = one.at[0] > end ? [end, end + 1] : one.at;
    const { line } = positionOf(text, at[0]);
    if (!byLine.has(line)) byLine.set(line, { ...one, at });
  }
  return [...byLine.values()];
}

function startOf(document: Document, text: string): Place {
  const [start] = document.range ?? [0];
  const marker = text.lastIndexOf("---", start);
  return marker < 0 ? [start, start + 1] : [marker, marker + 3];
}

/** Sentences for the mistakes that people make; for the others the parser's own. */
const known: { readonly [C in ErrorCode]?: readonly [message: string, suggestion: string] } = {
  TAB_AS_INDENT: ["a tab indents this line, and YAML allows only spaces", "replace the tab by spaces"],
  DUPLICATE_KEY: ["this key is written twice in one map", "remove one of the two, or rename it"],
  BAD_INDENT: ["the line is indented in a way that fits no line above", "align it with the line that it belongs to"],
  BAD_ALIAS: ["there is no anchor of this name above", "write &NAME before the value that is meant"],
  MISSING_CHAR: ["a character is missing here", "close the quotation mark or the bracket that was opened before"],
};

function mistakeOf(code: ErrorCode, message: string, at: Place): Mistake {
  const [words, suggestion] = known[code] ?? [];
  if (/must .* end with an? [\]}]/.test(message))
    return { at, message: "a bracket that was opened above is not closed", suggestion: "close it by ] or }" };
  // The parser marks a tab between tokens by another code.
  if (/\btabs?\b/i.test(message)) return { at, message: known.TAB_AS_INDENT![0], suggestion: known.TAB_AS_INDENT![1] };
  return { at, message: words ?? `this is not YAML: ${plain(message)}`, suggestion };
}

/** Without capital and full stop. */
const plain = (message: string) => (message[0]!.toLowerCase() + message.slice(1)).replace(/\.$/, "");

/** The place of a node. */
export function placeOf(node: Node): Place {
  const [start, end] = node.range ?? [0, 0];
  return [start, Math.max(end, start + 1)];
}

/** The node that an alias refers to, or undefined if there is no such anchor; any other node is itself. */
export function withoutAlias(node: Node, document: Document): Node | undefined {
  return isAlias(node) ? node.resolve(document) : node;
}
