/**
 * The modules that a process of ADD or DEL loads, and the bytes of the file that they are bundled into. Each costs
 * every call. To add one on purpose, record it: NSNET_LOADED=record npm test -- test/scripts/build
 */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { deferralsOf, needed, withDeferrals } from "../../../scripts/build/modules.ts";
import recorded from "./loaded.json";

const root = join(import.meta.dirname, "../../..");
/** The file may grow by this much without a new recording. */
const growthMax = 1.02;

async function loadedModules(): Promise<string[]> {
  const all = await Promise.all(["plugin/main.ts", "plugin/del.ts"].map((entry) => needed(join(root, entry))));
  return [...new Set(all.flatMap((paths) => [...paths]))].map((path) => relative(root, path)).sort();
}

/** Bytes of the largest file of the plugin's bundle: the one that ADD and DEL load. */
function chunkBytes(): number {
  const folder = mkdtempSync(join(tmpdir(), "ns-net-bundle-"));
  try {
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, join(root, "scripts/build/bundle.ts"), folder]);
    assert.equal(exitCode, 0, stderr.toString());
    const chunks = readdirSync(folder).filter((name) => name.startsWith("chunk-"));
    return Math.max(...chunks.map((name) => statSync(join(folder, name)).size));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("The executable's bundle", function () {
  this.timeout(60_000);

  it("has the listed modules for ADD and DEL, in a file that has not grown", async () => {
    const [modules, bytes] = [await loadedModules(), chunkBytes()];
    if (process.env.NSNET_LOADED === "record") {
      await Bun.write(join(import.meta.dirname, "loaded.json"), `${JSON.stringify({ bytes, modules }, null, 2)}\n`);
      return;
    }
    assert.deepEqual(modules, recorded.modules);
    assert.ok(bytes <= recorded.bytes * growthMax, `${bytes} bytes, recorded were ${recorded.bytes}`);
  });

  it("is refused if a deferral is not recognized", () => {
    const spread = 'import defer * as x from\n  "./x.ts";\n';
    assert.throws(() => withDeferrals("/a.ts", spread, () => ""), /\/a\.ts: write "import defer" on one line/);
    const found = deferralsOf(
      "/folder/a.ts",
      'import defer * as x from "../x.ts";\nimport defer * as os from "node:os";\n',
    );
    assert.deepEqual(found, [
      { name: "x", target: "/x.ts" },
      { name: "os", target: "node:os" },
    ]);
  });
});
