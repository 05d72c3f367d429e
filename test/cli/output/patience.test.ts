/** A terminal shows what a command waits for, and how many attachments it has compared. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { onTerminal } from "../../support/terminal.ts";
import { freshPlace } from "../place.ts";
import { slowAdd } from "../slowIpam.ts";

const cli = join(import.meta.dirname, "../../../cli");

describe("a command that waits", function () {
  this.timeout(60_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  it("names the process that is at work on the same attachment, and erases that line", async () => {
    using place = freshPlace();
    const name = place.name();
    const adding = await slowAdd(place, name);
    const finished = Bun.sleep(1500).then(() => adding.finish());
    const { code, text } = await onTerminal(place.host.inside(place.command("del", name)), {
      env: { CNI_PATH: place.folder },
    });
    assert.equal(await finished, 0);
    assert.equal(code, 0, text);
    assert.ok(text.includes(`waiting for process ${adding.pid}, which is adding eth0 of ${name} (`), text);
    assert.ok(text.endsWith("\r\x1b[K"), JSON.stringify(text));
    assert.equal(place.must("ls"), "Nothing is attached.\n");
  });

  it("shows its own work if that takes long", async () => {
    using place = freshPlace();
    const adding = await slowAdd(place, place.name());
    await adding.finish();
    const name = place.name();
    const network = join(place.folder, "slow.json");
    const env = { CNI_PATH: place.folder };
    const seen = onTerminal(place.host.inside(place.command("add", name, "--network", network)), { env });
    await Bun.sleep(2000);
    await adding.finish();
    const { code, text } = await seen;
    assert.equal(code, 0, text);
    assert.match(text, RegExp(`attaching ${name} \\(\\d s\\)`));
  });

  it("names the process that holds the store", async () => {
    using place = freshPlace();
    place.must("add", place.name());
    const hold = `
      const database = new (require("bun:sqlite").Database)("${place.dataDir}/ns-net.sqlite");
      database.run("BEGIN IMMEDIATE");
      console.log("held");
      await new Response(Bun.stdin.stream()).text();`;
    const holder = Bun.spawn([process.execPath, "-e", hold], { stdin: "pipe", stdout: "pipe" });
    await holder.stdout.getReader().read();
    const released = Bun.sleep(1500).then(() => holder.stdin.end());
    const { code, text } = await onTerminal(place.host.inside(place.command("gc")));
    await released;
    await holder.exited;
    assert.equal(code, 0, text);
    assert.match(text, RegExp(`waiting for process ${holder.pid} \\([\\w.]+\\), which holds the store \\(\\d s\\)`));
    assert.ok(text.endsWith("\r\x1b[KNothing to remove.\n"), JSON.stringify(text));
  });

  it("is silent in a pipe", async () => {
    using place = freshPlace();
    const name = place.name();
    const adding = await slowAdd(place, name);
    const finished = Bun.sleep(1000).then(() => adding.finish());
    const del = Bun.spawn(place.host.inside(place.command("del", name)), {
      env: { ...process.env, CNI_PATH: place.folder },
      stdout: "pipe",
      stderr: "pipe",
    });
    assert.equal(await finished, 0);
    assert.deepEqual([await del.exited, await new Response(del.stderr).text()], [0, ""]);
  });

  it("counts what repair compares, and what gc removes", () => {
    using place = freshPlace();
    const names = [place.name(), place.name(), place.name()];
    for (const name of names) place.must("add", name);
    const counted = (body: string) => {
      const script = `import { callByHand } from "${cli}/callByHand.ts"; const said = []; ${body} console.log(JSON.stringify(said));`;
      const { stdout, stderr } = Bun.spawnSync(place.host.inside([process.execPath, "-e", script]));
      assert.equal(stderr.toString(), "");
      return JSON.parse(stdout.toString());
    };
    const compared = counted(
      `const { repair } = await import("${cli}/../plugin/recovery/repair.ts");
      repair("${place.dataDir}", callByHand(), { onProgress: (done, total, { container }) => said.push([done, total, container]) });`,
    );
    assert.deepEqual(
      compared,
      names.map((name, i) => [i, 3, name]),
    );
    const collected = counted(
      `const { gc } = await import("${cli}/../plugin/gc.ts");
      const raw = { environment: {}, stdin: "" };
      const request = { network: "ns-net", cniVersion: "1.1.0", dataDir: "${place.dataDir}", bridge: "", ipamType: "ns-net", pluginPath: [], raw, valid: [] };
      await gc(request, callByHand(), { onProgress: (done, total) => said.push([done, total]) });`,
    );
    assert.deepEqual(collected, [
      [0, 3],
      [1, 3],
      [2, 3],
    ]);
  });
});
