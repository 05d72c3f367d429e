/** Users other than root get the message about rights first, and no wrong one. */
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { freshPlace, type Place } from "./place.ts";

/** The executable as user 65534 runs it, from a folder that all users can read. */
function asNobody(place: Place, ...before: readonly string[]) {
  const program = join(place.folder, "ns-net");
  copyFileSync(nsNet, program);
  chmodSync(place.folder, 0o755);
  return (...words: string[]) => {
    const user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const end = words.indexOf("--");
    const own = end < 0 ? words : words.slice(0, end);
    const store = own[0] === "exec" ? [] : ["--data-dir", place.dataDir];
    const line = [...user, ...before, program, ...own, ...store, ...words.slice(own.length)];
    const { exitCode, stdout, stderr } = Bun.spawnSync(place.host.inside(line));
    return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
  };
}

describe("ns-net without root", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
  });

  it("reports that with the command to type, on a machine without any state", () => {
    using place = freshPlace();
    const nobody = asNobody(place);
    for (const words of [["add", "web"], ["add", "web", "--dry-run"], ["gc"], ["exec", "pid:1", "--", "true"]]) {
      const { code, out, err } = nobody(...words);
      assert.deepEqual([code, out], [1, ""]);
      const [command, ...rest] = words;
      assert.match(err, new RegExp(`^ns-net ${command} needs root: sudo ns-net ${command}.*${rest[0] ?? ""}`), err);
      assert.doesNotMatch(err, /bug|EPERM|EACCES/);
    }
  });

  it("reports a store that it may not read", () => {
    using place = freshPlace();
    mkdirSync(place.dataDir);
    place.must("add", place.name());
    const nobody = asNobody(place);
    for (const mode of [0o700, 0o755]) {
      chmodSync(place.dataDir, mode);
      for (const words of [["ls"], ["repair"], ["gc"], ["check", "x"]]) {
        const { code, out, err } = nobody(...words);
        assert.deepEqual([code, out], [1, ""]);
        assert.match(err, new RegExp(`^ns-net ${words[0]} needs root: sudo ns-net ${words.join(" ")}`));
      }
    }
  });

  it("has no store in a user namespace where that of the machine's root is", () => {
    using place = freshPlace();
    place.must("add", place.name());
    const inside = asNobody(place, "unshare", "--user", "--map-root-user", "--net");
    const { code, out, err } = inside("ls");
    assert.deepEqual([code, err], [0, ""], err);
    assert.equal(out, "Nothing is attached.\n");
  });
});
