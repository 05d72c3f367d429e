/**
 * `npm run ok`, the gate. Prints what is wrong, the cause first, and one line with the counts: nothing else. Types,
 * format and lint are asked together; the tests run if all three are right.
 *
 *   npm run ok [-- --static]      with --static, no tests
 *   npm run ok [-- test/ip …]     only these tests, as npm test takes them
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { waiting } from "../../cli/output/progress.ts";
import { importedBy, inOrder, typeErrorsIn } from "./typeErrors.ts";

const root = join(import.meta.dirname, "../..");
const words = process.argv.slice(2);
const startMs = performance.now();
const errorsShown = 20;

interface Ended {
  readonly exitCode: number;
  readonly said: string;
}

/** Standard error is inherited by a program that shows its own progress there. */
async function ended(command: readonly string[], stderr: "pipe" | "inherit" = "pipe"): Promise<Ended> {
  const child = Bun.spawn([...command], { cwd: root, stdio: ["ignore", "pipe", stderr] });
  const texts = [child.stdout.text(), child.stderr instanceof ReadableStream ? child.stderr.text() : ""];
  const said = (await Promise.all(texts)).join("").trimEnd();
  return { exitCode: await child.exited, said };
}

/** The type errors to print, or whatever the compiler said instead. */
function typesWrong({ said }: Ended): string {
  const errors = typeErrorsIn(said);
  if (errors.length === 0) return said; // a wrong option, for example
  const ordered = inOrder(errors, (file) => importedBy(file, readFileSync(join(root, file), "utf8")));
  const more = errors.length - errorsShown;
  const lines = ordered.slice(0, errorsShown).map(({ text }) => text);
  return [...lines, ...(more > 0 ? [`and ${more} more, which may follow from these (npx tsc -p .)`] : [])].join("\n");
}

/** Biome's diagnostics, without its own summary. */
const styleWrong = ({ said }: Ended) =>
  said
    .replace(/^(?:Checked \d+ files|Found \d+|No fixes applied|Skipped \d+ suggested).*\n?/gm, "")
    .split(/^check ━/m)[0]!
    .trimEnd();

function end(isOk: boolean, counts: string): never {
  const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
  console.log(`${isOk ? "ok" : "not ok"}: ${counts} (${seconds} s)`);
  process.exit(isOk ? 0 : 1);
}

const biome = ["node_modules/.bin/biome", "check", "--error-on-warnings", "--diagnostic-level=warn", "."];
/** The program, and the scripts of pages, which see a browser's types. */
const projects = [".", "lab/graph/page"];

async function typesChecked(): Promise<Ended> {
  const compiler = (project: string) => ["node_modules/.bin/tsc", "-p", project, "--pretty", "false"];
  const all = await Promise.all(projects.map((project) => ended(compiler(project))));
  return {
    exitCode: Math.max(...all.map(({ exitCode }) => exitCode)),
    said: all
      .map(({ said }) => said)
      .filter(Boolean)
      .join("\n"),
  };
}

const [types, style] = await (async () => {
  using _shown = waiting(() => "types, format, lint");
  return await Promise.all([typesChecked(), ended(biome)]);
})();
if (types.exitCode !== 0) console.log(typesWrong(types));
if (style.exitCode !== 0) console.log(styleWrong(style));
const asked = [["types", types] as const, ["format and lint", style] as const];
const wrong = asked.filter(([, { exitCode }]) => exitCode !== 0).map(([name]) => name);
if (wrong.length > 0) end(false, `${wrong.join(", ")} wrong; no test was run`);
if (words.includes("--static")) end(true, "types, format, lint");

const tests = await ended([process.execPath, "test/support/run.ts", "--failures-only", ...words], "inherit");
const refusedByRunner = 2;
if (tests.exitCode === refusedByRunner) end(false, "no test was run");
const lines = tests.said.split("\n");
const counts = lines.pop();
if (tests.exitCode !== 0) console.log(lines.join("\n").trim());
const passed = tests.exitCode === 0;
end(
  passed,
  `${passed ? "types, format, lint" : "tests wrong"}; ${counts}${/ 0 skipped/.test(counts ?? "") ? "" : " (npm test says why)"}`,
);
