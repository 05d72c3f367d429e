/** `ns-net exec`: the process becomes the command. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { freshPlace, needsOwnEtc } from "./place.ts";

describe("ns-net exec", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  it("runs inside, with the exit code of the command", () => {
    using place = freshPlace();
    const name = place.name();
    const address = place.must("add", name).trim();
    assert.match(place.must("exec", name, "--", "ip", "-4", "address"), new RegExp(`inet ${address}/`));
    assert.equal(place.cli("exec", name, "--", "sh", "-c", "exit 42").code, 42);
  });

  it("becomes the command: the same process, which gets signals itself", async () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const script = 'trap "exit 7" TERM; echo ready $$; while :; do read x || sleep 0.01; done';
    const child = Bun.spawn(place.host.inside([nsNet, "exec", name, "--", "sh", "-c", script]), {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const reader = child.stdout.getReader();
    const said = Buffer.from((await reader.read()).value!).toString();
    assert.equal(said, `ready ${child.pid}\n`);
    child.kill("SIGTERM");
    assert.equal(await child.exited, 7);
  });

  it("puts files of /etc/netns/<name> over those of /etc, for this command alone", function () {
    needsOwnEtc(this);
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    mkdirSync(`/etc/netns/${name}`, { recursive: true });
    writeFileSync(`/etc/netns/${name}/resolv.conf`, "nameserver 203.0.113.53\n");
    assert.equal(place.must("exec", name, "--", "cat", "/etc/resolv.conf"), "nameserver 203.0.113.53\n");
    assert.doesNotMatch(Bun.spawnSync(["cat", "/etc/resolv.conf"]).stdout.toString(), /203\.0\.113\.53/);
  });

  it("passes words as they are, also those that look like options", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const words = ["--help", "a b", "$HOME", ""];
    assert.equal(place.must("exec", name, "--", "printf", "%s|", ...words), "--help|a b|$HOME||");
  });

  it("says so when there is no such command or namespace", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const [command, namespace] = [place.cli("exec", name, "--", "no-such-thing"), place.cli("exec", "x", "--", "true")];
    assert.deepEqual([command.code, namespace.code], [1, 1]);
    assert.match(command.err, /no-such-thing/);
  });
});
