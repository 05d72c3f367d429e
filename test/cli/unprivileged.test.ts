/** Whoever is not root is told so first, and nothing that is not so. */
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { freshPlace, type Place } from "./place.ts";

/** The executable as nobody runs it, from a folder that everybody can read. */
function asNobody(place: Place) {
  const program = join(place.folder, "ns-net");
  copyFileSync(nsNet, program);
  chmodSync(place.folder, 0o755);
  return (...words: string[]) => {
    const line = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, ...words];
    const { exitCode, stdout, stderr } = Bun.spawnSync(place.host.inside([...line, "--data-dir", place.dataDir]));
    return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
  };
}

describe("ns-net without root", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
  });

  it("gc that could look at nothing says nothing of it but why", () => {
    using place = freshPlace();
    const { code, out, err } = asNobody(place)("gc");
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, /^ns-net: Cannot .*EPERM\n {2}Run it as root/);
  });

  it("a store that may not be read: run it as root", () => {
    using place = freshPlace();
    mkdirSync(place.dataDir);
    place.must("add", place.name());
    const nobody = asNobody(place);
    for (const mode of [0o700, 0o755]) {
      chmodSync(place.dataDir, mode);
      for (const words of [["ls"], ["repair"], ["gc"], ["check", "x"]]) {
        const { code, out, err } = nobody(...words);
        assert.deepEqual([code, out], [1, ""]);
        assert.match(err, /^ns-net: Cannot use the store .*: this user may not\n {2}Run it as root/, words[0]!);
      }
    }
  });
});
