/** The README's quick start, typed as it is written; and the documents name nothing that does not exist. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../scripts/setup/tools.mjs";
import { needs } from "./support/needs.ts";
import { netnsNames } from "./support/sandbox.ts";
import { skip } from "./support/skip.ts";

const root = join(import.meta.dirname, "..");

/** The first block of commands below a heading. */
function commandsBelow(heading: string): string {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const block = new RegExp(`## ${heading}\\n[^\`]*\`\`\`sh\\n([^\`]*)\`\`\``).exec(readme)?.[1];
  assert.ok(block, `there are no commands below ${heading}`);
  return block;
}

describe("README.md", function () {
  this.timeout(120_000);

  it("leads from a clone to a published port that answers, and leaves nothing", function () {
    needs(this, "ns-net", "bridge", "nft nat");
    if (findProgram("curl") === undefined) skip(this, "no program curl");
    const folder = mkdtempSync(join(tmpdir(), "ns-net-readme-"));
    try {
      // The host's own folder stays as it is: the executable goes into a layer of this mount namespace.
      const layered = `mount -t tmpfs none ${folder} && mkdir ${folder}/upper ${folder}/work &&
        mount -t overlay -o lowerdir=/usr/local/bin,upperdir=${folder}/upper,workdir=${folder}/work overlay /usr/local/bin`;
      const script = `${layered}\nset -e\n${commandsBelow("Quick start")}`;
      const { exitCode, stdout, stderr } = Bun.spawnSync(["unshare", "--mount", "bash", "-c", script], {
        cwd: root,
        env: { ...process.env, PATH: `/usr/local/bin:${process.env.PATH}` },
      });
      assert.equal(exitCode, 0, stderr.toString());
      assert.match(stdout.toString(), /^hello$/m);
      assert.match(stdout.toString(), /^web .*8080:80.*attached$/m);
      assert.ok(!netnsNames().includes("web"));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("The documents", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const every = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found]) => found!);

  for (const file of [
    "README.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    "SECURITY.md",
    "examples/README.md",
    "docs/labs.md",
    "docs/agent.md",
  ]) {
    it(`name commands and files that exist: ${file}`, () => {
      const text = readFileSync(join(root, file), "utf8");
      const commands = every(text, /\bnpm run (?:--\S+ )*([a-z][a-z:]*)/g);
      const links = every(text, /\]\((?!https?:|#)([^)#]+)[^)]*\)/g);
      const paths = every(
        text,
        /`((?:test|scripts|bench|deploy|conf|plugin|cli|step|store|netlink|sys)\/[\w./-]+\.(?:ts|mjs|json|yaml))`/g,
      );
      assert.deepEqual(
        commands.filter((name) => !Object.hasOwn(scripts, name)),
        [],
      );
      for (const [from, names] of [[join(root, file, ".."), links] as const, [root, paths] as const])
        for (const name of names) assert.ok(existsSync(join(from, name)), `${file} names ${name}`);
    });
  }
});
