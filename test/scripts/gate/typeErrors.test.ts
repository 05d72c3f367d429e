/** The order of type errors. The compiler itself complains about planted mistakes. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { importedBy, inOrder, typeErrorsIn } from "../../../scripts/gate/typeErrors.ts";

const tsc = join(import.meta.dirname, "../../../node_modules/.bin/tsc");

/** Compiles the files of a project of its own. Answers `FILE CODE` of each error, in the gate's order. */
function complaints(files: Record<string, string>): string[] {
  const folder = mkdtempSync(join(tmpdir(), "ns-net-types-"));
  try {
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(file)), { recursive: true });
      writeFileSync(join(folder, file), content);
    }
    const options = { strict: true, noEmit: true, module: "Preserve", allowImportingTsExtensions: true, types: [] };
    const rules = { ...options, noUnusedLocals: true };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: rules }));
    const { stdout } = Bun.spawnSync([tsc, "-p", ".", "--pretty", "false"], { cwd: folder });
    const source = (file: string) => readFileSync(join(folder, file), "utf8");
    const errors = inOrder(typeErrorsIn(stdout.toString()), (file) => importedBy(file, source(file)));
    return errors.map(({ file, code }) => `${file} ${code}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("The gate's type errors", function () {
  this.timeout(120_000);

  it("begin in the lowest folder", () => {
    const address = 'export const address: number = "10.0.0.1";\n';
    const files = {
      "cli/a.ts": 'import { address } from "../ip/address.ts";\nexport const it: string = address;\n',
      "test/support/a.ts": "export const a: string = 1;\n",
      "test/ip/a.test.ts": "export const a: string = 1;\n",
      "ip/address.ts": address,
    };
    assert.deepEqual(complaints(files), [
      "ip/address.ts TS2322",
      "cli/a.ts TS2322",
      "test/support/a.ts TS2322",
      "test/ip/a.test.ts TS2322",
    ]);
  });

  it("of one folder begin in the file that the others import", () => {
    const files = {
      "cli/a.ts": 'import { b } from "./b.ts";\nexport const a: string = b;\n',
      "cli/b.ts": 'import { c } from "./c.ts";\nexport const b: boolean = c;\n',
      "cli/c.ts": 'export const c: number = "1";\n',
    };
    assert.deepEqual(complaints(files), ["cli/c.ts TS2322", "cli/b.ts TS2322", "cli/a.ts TS2322"]);
  });

  it("begin with a file that is missing, and end with what is not used", () => {
    const files = {
      "ip/a.ts": "const unused = 1;\nexport {};\n",
      "cli/b.ts": 'import { c } from "./missing.ts";\nexport const b = c;\nexport const d: string = 1;\n',
    };
    assert.deepEqual(complaints(files), ["cli/b.ts TS2307", "cli/b.ts TS2322", "ip/a.ts TS6133"]);
  });

  it("keep the lines that belong to one", () => {
    const files = {
      "ip/a.ts": "export const f: (a: { b: string }) => void = (a: { b: number }) => void a;\n",
    };
    assert.deepEqual(complaints(files), ["ip/a.ts TS2322"]);
    const [only] = typeErrorsIn("ip/a.ts(1,1): error TS2322: Type 'A'.\n  Types of parameters.\n    Type 'B'.\n");
    assert.equal(only!.text.split("\n").length, 3);
  });

  it("are none in other output", () => {
    assert.deepEqual(typeErrorsIn("error TS5023: Unknown compiler option 'x'.\n"), []);
  });
});
