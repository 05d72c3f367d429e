/**
 * Plain English in comments, messages, titles of tests and documents: words and phrases that hide who does what to what.
 * A finding names its file, line and cure.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Passage, proseOfDocument, proseOfScript, proseOfSource } from "./support/prose.ts";

const root = resolve(import.meta.dirname, "..");

interface Rule {
  readonly found: RegExp;
  /** What to write instead. */
  readonly cure: string;
}

/** Everywhere. */
const words: readonly Rule[] = [
  { found: /\banew\b/i, cure: "again; recreated" },
  {
    found: /\b(?:some|any|every|no)body(?:'s)?\b|\bsomeone\b|\bwho(?:so)?ever\b/i,
    cure: "the actor: ADD, the kernel, a runtime, another process, a person",
  },
  {
    found: /\b(?:told|tells?)\b(?! (?:\S+ ){0,4}(?:apart|from)\b)|\buntold\b/i,
    cure: "reports, says, shows; reported, fromPrevResult, unknown",
  },
  { found: /\bstands?\b(?! for\b)|\bstood\b|\bstanding\b/i, cure: "exists, is; existing, present" },
  { found: /\bmend(?:s|ed|ing)?\b/i, cure: "repair" },
  { found: /\bheed(?:s|ed)?\b/i, cure: "obey, use" },
  { found: /\bwhat of\b/i, cure: "the part that" },
  { found: /\bwhose (?:it|they) (?:is|are|was|were)\b/i, cure: "the owner" },
  { found: /\b(?:is|are) no more\b(?! than\b)/i, cure: "no longer exists" },
  { found: /, be it\b/i, cure: "whether; or" },
  { found: /\blead it to\b/i, cure: "redirect it to" },
];

/** At the start of a sentence of a comment or a document, unless it is a question. */
const starts: readonly Rule[] = [
  { found: /^(?:Of|What|Neither|Nor|Undefined for)\b/, cure: "begin with a verb or the thing" },
];

/** This file lists the words; the others are not ours to word. */
const excepted = [/^test\/words\.test\.ts$/, /^test\/golden\//, /^test\/oracle\/recorded\//, /^conf\/generated\//];

const files = [...new Bun.Glob("**/*.{ts,mjs,md,sh,yaml}").scanSync({ cwd: root })]
  .filter((file) => !/^(?:node_modules|dist)\//.test(file) && !excepted.some((pattern) => pattern.test(file)))
  .sort();

function sentences({ text, kind }: Passage): readonly string[] {
  if (kind === "string") return [];
  // A heading may be a half sentence: "What works".
  if (kind === "document" && text.startsWith("#")) return [];
  const plain = kind === "document" ? text.replace(/^(?:#+|[-*>|]|\d+\.)\s*/, "").replaceAll("**", "") : text;
  return plain.split(/(?<=[.!?:]["'`)*]*) (?=["'`(*]*[A-Z])/).filter((sentence) => !sentence.endsWith("?"));
}

function findings(file: string): string[] {
  const source = readFileSync(join(root, file), "utf8");
  const read = file.endsWith(".md") ? proseOfDocument : /\.(?:sh|yaml)$/.test(file) ? proseOfScript : proseOfSource;
  return read(source).flatMap((passage) => {
    const show = (found: string, cure: string) => `${file}:${passage.line}: "${found}" (write: ${cure})`;
    const all = words.flatMap(({ found, cure }) => {
      const [first] = found.exec(passage.text) ?? [];
      return first === undefined ? [] : [show(first, cure)];
    });
    for (const sentence of sentences(passage)) {
      for (const { found, cure } of starts) if (found.test(sentence)) all.push(show(sentence.slice(0, 60), cure));
    }
    return all;
  });
}

describe("Plain English", () => {
  it("finds the words in comments, strings and documents, and leaves names and code alone", () => {
    const source = [
      "/** Made anew\n * by whoever can. What of it? */",
      "const told = '1'; // a name",
      `say("It stands"); const x = /anew/.test(\`a\${told}b\`);`,
      "// Of many, one.",
    ].join("\n");
    const found = proseOfSource(source).map(({ kind, line, text }) => [kind, line, text]);
    assert.deepEqual(found, [
      ["comment", 1, "Made anew by whoever can. What of it?"],
      ["string", 3, "1"],
      ["comment", 3, "a name"],
      ["string", 4, "It stands"],
      ["string", 4, "a"],
      ["string", 4, "b"],
      ["comment", 5, "Of many, one."],
    ]);
  });

  for (const folder of [...new Set(files.map((file) => (file.includes("/") ? file.split("/")[0]! : "the root")))]) {
    const own = files.filter((file) => (file.includes("/") ? file.startsWith(`${folder}/`) : folder === "the root"));
    it(`is what is written in ${folder}`, () => {
      const all = own.flatMap(findings);
      assert.equal(all.length, 0, `\n${all.join("\n")}\n${all.length} to rewrite`);
    });
  }
});
