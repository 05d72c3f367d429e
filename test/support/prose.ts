/** The words that people read in a file: comments and strings of a source, all of a document. */

export interface Passage {
  readonly line: number;
  readonly kind: "comment" | "string" | "document";
  /** On one line, without what marks it as a comment. */
  readonly text: string;
}

/** `/` begins a regular expression behind these, and divides behind anything else. */
const beforeExpression = /(?:^|[(,=:[!&|?{};>]|\b(?:return|case|typeof))\s*$/;

/** Reads TypeScript and JavaScript. Neighbouring `//` lines are one passage, and so is each block. */
export function proseOfSource(source: string): Passage[] {
  const passages: Passage[] = [];
  let line = 1;
  let at = 0;
  /** Where a template was left for an expression: the depth of its braces. */
  const templates: number[] = [];
  let depth = 0;
  const add = (kind: Passage["kind"], text: string, from: number) => {
    const last = passages.at(-1);
    if (
      kind === "comment" &&
      last?.kind === "comment" &&
      text.startsWith("//") &&
      last.line + countLines(last.text) === from
    )
      passages[passages.length - 1] = { ...last, text: `${last.text}\n${text}` };
    else passages.push({ kind, text, line: from });
  };
  const template = () => {
    const [start, from] = [at, line];
    while (at < source.length) {
      const char = source[at];
      if (char === "\\") at++;
      else if (char === "\n") line++;
      else if (char === "`") break;
      else if (char === "$" && source[at + 1] === "{") {
        templates.push(depth);
        break;
      }
      at++;
    }
    if (at > start) add("string", source.slice(start, at), from);
    at += source[at] === "`" ? 1 : 2;
  };
  while (at < source.length) {
    const char = source[at]!;
    const two = source.slice(at, at + 2);
    if (char === "\n") line++;
    if (two === "//" || two === "/*") {
      const end = two === "//" ? source.indexOf("\n", at) : source.indexOf("*/", at) + 2;
      const text = source.slice(at, end < 0 ? undefined : end);
      add("comment", text, line);
      line += countLines(text) - 1;
      at += text.length;
    } else if (char === '"' || char === "'") {
      let end = at + 1;
      while (end < source.length && source[end] !== char) end += source[end] === "\\" ? 2 : 1;
      add("string", source.slice(at + 1, end), line);
      at = end + 1;
    } else if (char === "`") {
      at++;
      template();
    } else if (char === "}" && templates.at(-1) === depth) {
      templates.pop();
      at++;
      template();
    } else if (char === "/" && beforeExpression.test(source.slice(Math.max(0, at - 20), at))) {
      let inClass = false;
      for (at++; at < source.length && (inClass || source[at] !== "/"); at++) {
        if (source[at] === "\\") at++;
        else if (source[at] === "[") inClass = true;
        else if (source[at] === "]") inClass = false;
      }
      at++;
    } else {
      if (char === "{") depth++;
      if (char === "}") depth--;
      at++;
    }
  }
  return passages.map((one) => ({ ...one, text: plain(one.text, one.kind) }));
}

/** Paragraphs, list items and rows of a table are a passage each; blocks of code are none. */
export function proseOfDocument(document: string): Passage[] {
  const passages: Passage[] = [];
  let isCode = false;
  for (const [i, raw] of document.split("\n").entries()) {
    if (raw.startsWith("```")) isCode = !isCode;
    else if (!isCode && raw.trim() !== "") passages.push({ kind: "document", line: i + 1, text: raw.trim() });
  }
  return passages;
}

/** The comments of a shell script or of YAML, a line each. */
export function proseOfScript(script: string): Passage[] {
  return script.split("\n").flatMap((raw, i): Passage[] => {
    const text = /^\s*#+ (.*)$/.exec(raw)?.[1];
    return text === undefined ? [] : [{ kind: "document", line: i + 1, text }];
  });
}

const countLines = (text: string) => text.split("\n").length;

function plain(text: string, kind: Passage["kind"]): string {
  if (kind !== "comment") return text.replaceAll(/\s+/g, " ").trim();
  return text
    .replaceAll(/^\s*(?:\/\*\*?|\/\/+|\*\/|\*(?!\*)) ?/gm, "")
    .replace(/\s*\*\/$/, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}
