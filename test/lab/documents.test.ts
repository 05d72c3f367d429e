/** The documents of labs, typed as they are written. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { templates } from "../../lab/examples.ts";
import { labOf } from "../../lab/model/resolve.ts";
import { exampleFiles, examples, needsLabs, person } from "./person.ts";

const textOf = (file: string) => readFileSync(join(import.meta.dirname, "../..", file), "utf8");

/** The blocks of a language below a heading, or of the whole text. */
const blocks = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([^\`]*)\`\`\``, "g"))].map(([, block]) => block!);

function typed(script: string): string {
  using who = person("root");
  const { stdout, stderr, exitCode } = Bun.spawnSync(["bash", "-e", "-c", script], {
    cwd: who.folder,
    env: { ...who.environment, PATH: `${who.folder}:${who.environment.PATH}` },
    stdin: null,
  });
  assert.equal(exitCode, 0, stderr.toString());
  return stdout.toString();
}

describe("ns-net lab new", () => {
  it("writes each example, and no file that exists", () => {
    using who = person("root");
    const names = exampleFiles.map((file) => file.replace(".yaml", ""));
    assert.deepEqual(Object.keys(templates).sort(), names.sort());
    for (const name of names) {
      const file = `new-${name}.yaml`;
      const { code, err } = who.lab("new", name, file);
      assert.equal(code, 0, err);
      assert.equal(readFileSync(join(who.folder, file), "utf8"), readFileSync(join(examples, `${name}.yaml`), "utf8"));
      assert.ok(who.lab("new").out.includes(`\n${name} `));
    }
    const again = who.lab("new", "two-pods", "new-two-pods.yaml");
    assert.equal(again.code, 1);
    assert.match(again.err, /new-two-pods\.yaml exists/);
    assert.match(who.lab("new", "two-pod").err, /There is no template two-pod\n {2}Did you mean two-pods\?/);
  });
});

describe("The documents of labs", function () {
  this.timeout(60_000);
  before(function () {
    needsLabs(this, "root");
  });

  it("docs/labs.md begins with commands that work as they are", () => {
    const out = typed(blocks(textOf("docs/labs.md"), "sh")[0]!);
    assert.match(out, /is up: 2 pods/);
    assert.match(out, /2 passed, 0 failed/);
    assert.match(out, /^default via 10\.1\.0\.1/m);
    assert.match(out, /is down/);
  });

  it("docs/labs.md describes the format by parts that make one lab together", () => {
    const all = blocks(textOf("docs/labs.md"), "yaml");
    const isWhole = (text: string) => text.startsWith("hosts:"); // a lab with several hosts is another one
    const text = all.filter((one) => !isWhole(one)).join("");
    const { pods, networks, tests } = labOf({ file: "labs.yaml", text });
    assert.deepEqual([networks.length, pods.length, tests.length], [3, 7, 9]);
    const several = labOf({ file: "hosts.yaml", text: all.find(isWhole)! });
    assert.deepEqual([several.hosts.length, several.pods.length, several.tests.length], [2, 2, 2]);
  });
});
