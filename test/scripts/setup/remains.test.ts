/** Remains of builds and releases that were killed. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeRemains } from "../../../scripts/setup/remains.mjs";

describe("The remains of a build that was killed", () => {
  it("are removed; those of a running one, and everything else, stay", () => {
    const folder = mkdtempSync(join(tmpdir(), "ns-net-remains-"));
    try {
      // No process has this number: the kernel's largest is 2^22.
      const stays = [`ns-net-build.${process.pid}`, "ns-net", "release", "release.1", "ns-net-release.old"];
      for (const name of ["ns-net-build.4194305", "ns-net-release.4194305", ...stays]) mkdirSync(join(folder, name));
      removeRemains(folder);
      assert.deepEqual(readdirSync(folder).sort(), stays.sort());
      removeRemains(join(folder, "missing"));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
