/** `npm run ok`, the gate: stops at the first stage that fails. With `--static`, only the stages that run nothing. */
const all: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: "format, lint", command: ["node_modules/.bin/biome", "check", "--error-on-warnings", "."] },
  { name: "types", command: ["node_modules/.bin/tsc", "-p", "."] },
  { name: "tests", command: [process.execPath, "test/support/run.ts"] },
];

const stages = process.argv.includes("--static") ? all.filter(({ name }) => name !== "tests") : all;
const cwd = `${import.meta.dirname}/..`;

for (const { name, command } of stages) {
  const startMs = performance.now();
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd, stdin: "ignore" });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  const said = `${stdout}${stderr}`.trimEnd();
  if (exitCode !== 0) {
    console.log(`${said}\n${name}: failed (${seconds} s)`);
    process.exit(1);
  }
  // Skipped tests are part of the result; the totals are the last line.
  if (name === "tests") console.log(testSummary(stdout.toString().trimEnd()));
  else console.log(`${name}: ok (${seconds} s)`);
}

function testSummary(printed: string): string {
  const skipped = printed.indexOf("\nskipped, ");
  return skipped < 0 ? printed.slice(printed.lastIndexOf("\n") + 1) : printed.slice(skipped + 1);
}
