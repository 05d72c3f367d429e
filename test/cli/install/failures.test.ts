/** `ns-net install` and `uninstall` that fail midway: everything is as before, each byte and each link. */
import assert from "node:assert/strict";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { referenceNames } from "../../../cli/install/dropIn.ts";
import { needs } from "../../support/needs.ts";
import { run } from "../../support/sandbox.ts";
import { freshPlace, type Place } from "../place.ts";

/** Every file of a folder, also hidden ones: the target of a link, and the beginning of a file. */
function picture(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => {
      const path = join(folder, String(name));
      const status = lstatSync(path);
      if (status.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}`;
      return status.isDirectory() ? `${name}/` : `${name} ${status.mode & 0o777} ${Bun.hash(readFileSync(path))}`;
    })
    .sort();
}

describe("an install that fails midway", () => {
  let place: Place;
  let binDir: string;
  let confDir: string;
  let mounted: string[];

  beforeEach(function () {
    needs(this, "ns-net");
    place = freshPlace();
    binDir = join(place.folder, "bin");
    confDir = join(place.folder, "net.d");
    mounted = [];
    for (const folder of [binDir, confDir]) mkdirSync(folder);
  });

  afterEach(() => {
    for (const folder of mounted) run(["umount", folder]);
    place?.[Symbol.dispose]();
  });

  function mount(folder: string, options: string): void {
    run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]);
    mounted.push(folder);
  }

  const install = (...words: string[]) =>
    place.cli("install", "--bin-dir", binDir, "--conf-dir", confDir, "--drop-in", ...words);

  const reference = (...names: string[]) => {
    for (const name of names) writeFileSync(join(binDir, name), `the ${name}`, { mode: 0o755 });
  };

  /** The command must fail with these words and change nothing. */
  function failsWhole(work: () => ReturnType<Place["cli"]>, expected: RegExp): void {
    const before = picture(place.folder);
    const { code, err } = work();
    assert.equal(code, 1, err);
    assert.match(err, expected);
    assert.deepEqual(picture(place.folder), before);
  }

  it("for lack of space for the executable", () => {
    mount(binDir, "size=4m");
    reference("bridge");
    failsWhole(() => install(), /Cannot write .*bin\/ns-net: no space left on the device/);
  });

  it("because a file has the name of the folder, or of one above it", () => {
    const file = place.file("file", "another's\n");
    for (const folder of [file, join(file, "below")]) {
      const asked = () => place.cli("install", "--bin-dir", folder, "--conf-dir", confDir);
      failsWhole(asked, /^ns-net: Cannot .*file.*: a part of the path is not a folder$/m);
    }
  });

  it("at a name that is a folder, after others were linked", () => {
    reference("host-local", "bridge", "tuning");
    mkdirSync(join(binDir, "portmap"));
    failsWhole(() => install(), /Cannot keep .*bin\/portmap aside: not permitted/);
  });

  it("at a read-only configuration folder, after all names were linked", () => {
    reference("host-local", "bridge");
    mount(confDir, "ro");
    failsWhole(() => install(), /Cannot write .*net\.d\/10-podnet\.conflist: the file system is read-only/);
  });

  it("for lack of space for the configuration", () => {
    reference("bridge");
    mount(confDir, "nr_inodes=1");
    failsWhole(() => install(), /Cannot write .*10-podnet\.conflist: no space left on the device/);
  });

  it("over an earlier version: that one stays with its configuration", () => {
    place.must("install", "--bin-dir", binDir, "--conf-dir", confDir);
    writeFileSync(join(binDir, "ns-net"), "the earlier version", { mode: 0o755 });
    mkdirSync(join(binDir, "static"));
    failsWhole(() => install("--subnet", "10.99.0.0/16"), /Cannot keep .*static/);
    assert.equal(readFileSync(join(binDir, "ns-net"), "utf8"), "the earlier version");
  });

  it("at the record, which is written last: the configuration is removed, too", () => {
    // The folder itself, the executable and the names.
    mount(binDir, `nr_inodes=${2 + referenceNames.length}`);
    failsWhole(() => install(), /Cannot write .*\.ns-net\.json: no space left on the device/);
  });

  it("can be repeated once the cause is gone", () => {
    reference("bridge");
    mkdirSync(join(binDir, "portmap"));
    assert.equal(install().code, 1);
    rmSync(join(binDir, "portmap"), { recursive: true });
    const { code, out } = install();
    assert.equal(code, 0);
    assert.match(out, /kept bridge in/);
    assert.deepEqual(
      readdirSync(binDir).filter((name) => name.endsWith(".old") || name.endsWith(".tmp")),
      [],
    );
  });

  it("uninstall changes nothing when it cannot leave the leases, and can be repeated", () => {
    reference("bridge", "host-local");
    assert.equal(install().code, 0);
    const web = place.name();
    place.must("add", web);
    const leases = join(place.folder, "leases");
    mkdirSync(leases);
    mount(leases, "ro");
    const uninstall = () =>
      place.cli("uninstall", "--bin-dir", binDir, "--data-dir", place.dataDir, "--lease-dir", leases);
    failsWhole(uninstall, /Cannot make the folder .*leases\/ns-net: the file system is read-only/);
    run(["umount", mounted.pop()!]);
    const { code, out } = uninstall();
    assert.equal(code, 0);
    assert.match(out, /left 1 lease for host-local/);
    assert.deepEqual(readdirSync(binDir).sort(), ["bridge", "host-local"]);
    place.must("del", web);
  });
});
