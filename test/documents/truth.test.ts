/** The documents name nothing that does not exist, and are as short as they promise. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { everyCommand } from "../../scripts/documents/commandsPage.ts";
import { recorded, wallMs } from "../../scripts/documents/speed.ts";
import { referencePlugins } from "../support/plugin.ts";
import { pageOf, root } from "./page.ts";
import { pages } from "./typed.ts";

const textOf = (file: string) => readFileSync(join(root, file), "utf8");
const every = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found]) => found!);
const withoutCode = (text: string) => text.replace(/<!--[\s\S]*?-->/g, "").replace(/^```[\s\S]*?^```/gm, "");

/** The anchors of a page, as GitHub makes them. */
const anchorsOf = (text: string) =>
  every(withoutCode(text), /^#+ (.*)$/gm).map((title) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

describe("The documents name what exists:", () => {
  const { scripts } = JSON.parse(textOf("package.json"));
  let known: ReadonlyMap<string, readonly string[]>;
  before(async () => {
    known = new Map((await everyCommand()).map(({ name, definition }) => [name, Object.keys(definition.options)]));
  });

  for (const file of pages) {
    it(file, () => {
      const text = textOf(file);
      const commands = every(text, /\bnpm run (?:--\S+ )*([a-z][a-z:]*)/g);
      assert.deepEqual(
        commands.filter((name) => !Object.hasOwn(scripts, name)),
        [],
      );
      for (const link of every(text, /\]\((?!https?:)([^)\s]+)\)/g)) {
        const [path = "", anchor] = link.split("#");
        const target = path === "" ? join(root, file) : join(root, file, "..", path);
        assert.ok(existsSync(target), `${file} links to ${link}`);
        if (anchor === undefined || statSync(target).isDirectory()) continue;
        assert.ok(anchorsOf(readFileSync(target, "utf8")).includes(anchor), `${file} links to ${link}`);
      }
      const folders =
        "test|scripts|bench|deploy|conf|plugin|cli|step|store|netlink|sys|lab|explain|agent|plan|ipam|ip|kernel";
      for (const path of every(text, new RegExp(`\`((?:${folders})/[\\w./-]+\\.(?:ts|mjs|json|yaml|md))\``, "g")))
        assert.ok(existsSync(join(root, path)), `${file} names ${path}`);
      for (const words of every(text, /`ns-net ((?:[a-z]+ ?)+)/g)) {
        const [first = "", second] = words.trim().split(" ");
        const name = known.has(`${first} ${second}`) ? `${first} ${second}` : first;
        const isGroup = [...known.keys()].some((one) => one.startsWith(`${name} `));
        assert.ok(known.has(name) || isGroup, `${file} names a command ${name}`);
      }
      for (const [, name, options] of text.matchAll(/`ns-net ([a-z]+(?: [a-z]+)?)\b([^`\n|]* --[^`\n|]*)`/g)) {
        const of = known.get(name!) ?? known.get(name!.split(" ")[0]!);
        if (of === undefined || / -- /.test(options!)) continue;
        for (const option of every(options!, /--([a-z][\w-]*)/g))
          assert.ok(["help", ...of].includes(option), `${file}: ns-net ${name} has no --${option}`);
      }
    });
  }
});

/** Sentences of prose, without tables, lists of commands and headings. */
function sentencesOf(text: string): string[] {
  const prose = withoutCode(text)
    .split("\n")
    .filter((line) => !/^(?:#|\||!|---)/.test(line))
    .map((line) => line.replace(/^\s*(?:[-*]|\d+\.) /, ""));
  return prose.flatMap((line) => line.split(/(?<=[.!?:])\s+/)).filter((one) => one.trim() !== "");
}
const wordsOf = (text: string) => text.split(/\s+/).filter((word) => /\w/.test(word));

describe("The documents are short:", () => {
  it("README.md has at most 1,200 words, few long sentences and no long paragraph", () => {
    const text = textOf("README.md");
    assert.ok(wordsOf(text).length <= 1200, String(wordsOf(text).length));
    const sentences = sentencesOf(text);
    const long = sentences.filter((one) => wordsOf(one).length > 25);
    assert.ok(long.length <= sentences.length * 0.05, long.join("\n"));
    // A line on a page is some 100 characters; a link's address is not read.
    const paragraphs = withoutCode(text)
      .replace(/\]\([^)]*\)/g, "")
      .split("\n");
    assert.deepEqual(
      paragraphs.filter((one) => !one.startsWith("|") && one.length > 400),
      [],
    );
  });

  it("ARCHITECTURE.md has at most 1,500 words", () => {
    const words = wordsOf(textOf("ARCHITECTURE.md")).length;
    assert.ok(words <= 1500, String(words));
  });

  it("every page has sentences that are easy to read", () => {
    for (const file of pages.filter((one) => !one.startsWith("docs/decisions/") && one !== "CHANGELOG.md")) {
      const sentences = sentencesOf(textOf(file));
      const long = sentences.filter((one) => wordsOf(one).length > 30);
      assert.ok(long.length <= Math.max(1, sentences.length * 0.05), `${file}:\n${long.join("\n")}`);
    }
  });
});

describe("What README.md says of speed", () => {
  it("is what was measured", () => {
    const from = recorded();
    const ratio = (ipMasq: boolean) => {
      const of = (label: "agent" | "reference") => wallMs(from, { label, verb: "add", ipMasq, pods: 0 });
      return of("agent") / of("reference");
    };
    assert.match(textOf("README.md"), /takes a third of the time of the standard plugins; with NAT, an eighth\./);
    assert.ok(ratio(false) <= 0.37, String(ratio(false)));
    assert.ok(ratio(true) <= 0.14, String(ratio(true)));
  });
});

describe("What the documents compare", () => {
  it("names the version of the standard plugins that was measured", () => {
    assert.match(recorded().machine, /, standard plugins 1\.1\.1 of Debian, /);
    assert.match(textOf("docs/performance.md"), /version 1\.1\.1, whose NAT is made by the program `iptables`/);
    assert.match(textOf("docs/comparison.md"), /are of version 1\.1\.1, with `iptables`/);
  });

  it("has the sizes of the files", () => {
    const bytes = (path: string) => statSync(path, { throwIfNoEntry: false })?.size;
    const sum = existsSync(referencePlugins)
      ? readdirSync(referencePlugins).reduce((all, name) => all + bytes(join(referencePlugins, name))!, 0)
      : undefined;
    for (const file of ["README.md", "docs/comparison.md"]) {
      const said = (pattern: RegExp) => Number(pattern.exec(textOf(file))![1]) * 1e6;
      for (const [there, size] of [
        [said(/(\d+) MB, once/), bytes(join(root, "dist/ns-net"))],
        [said(/(\d+) MB together/), sum],
      ] as const)
        if (size !== undefined) assert.ok(Math.abs(there / size - 1) < 0.05, `${file}: ${there} and ${size}`);
    }
  });
});

describe("Commands that no test types", () => {
  it("have a reason", () => {
    const left = pages.flatMap((file) => pageOf(file).left.map(({ line, because }) => `${file}:${line} ${because}`));
    for (const one of left) console.log(`      not typed: ${one}`);
    assert.ok(left.every((one) => one.split(" ").length > 3));
  });
});
