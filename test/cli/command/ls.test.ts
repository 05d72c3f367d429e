/** `ns-net ls` on a terminal, and its names given to other commands. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { run } from "../../support/sandbox.ts";
import { onTerminal, plain } from "../../support/terminal.ts";
import { freshPlace, lab, type Place } from "../place.ts";

/** Attaches a namespace as a runtime does. */
function asRuntime(place: Place, name: string, path: string, args: string): void {
  run(["ip", "netns", "add", name]);
  const env = {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: `id-${name}`,
    CNI_NETNS: path,
    CNI_IFNAME: "eth0",
    CNI_PATH: "/none",
  };
  const stdin = Buffer.from(JSON.stringify({ ...lab, dataDir: place.dataDir }));
  const { exitCode, stdout } = Bun.spawnSync(place.host.inside([nsNet]), { env: { ...env, CNI_ARGS: args }, stdin });
  assert.equal(exitCode, 0, stdout.toString());
}

const namesIn = (text: string) =>
  text
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(" ")[0]!);

describe("ns-net ls", function () {
  this.timeout(60_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  it("prints names that inspect, exec, check and del take", async () => {
    using place = freshPlace();
    const [web, other, pod, at] = [place.name(), place.name("other"), place.name("pod"), place.name("path")];
    place.must("add", web);
    asRuntime(place, other, `/var/run/netns/${other}`, "IgnoreUnknown=1");
    asRuntime(place, pod, `/run/netns/${pod}`, `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod}`);
    const path = join(place.folder, at);
    writeFileSync(path, "");
    run(["unshare", `--net=${path}`, "true"]);
    place.must("add", path);
    const sleeper = Bun.spawn(["unshare", "--net", "sh", "-c", "echo; exec sleep 100"], { stdout: "pipe" });
    await sleeper.stdout.getReader().read();
    try {
      place.must("add", `pid:${sleeper.pid}`);
      const names = namesIn(place.must("ls"));
      assert.deepEqual(names, [web, other, `default/${pod}`, path, `pid:${sleeper.pid}`]);
      for (const name of names) {
        assert.match(place.must("inspect", name), /^eth0 +10\./);
        // exec finds pods in the default store, and this one has a store of its own.
        if (!name.startsWith("default/")) assert.match(place.must("exec", name, "ip", "address"), /: eth0@/);
        assert.match(place.must("check", name), /as add made it/);
      }
      for (const name of names) place.must("del", name);
      assert.equal(place.must("ls"), "Nothing is attached.\n");
    } finally {
      sleeper.kill();
      Bun.spawnSync(["umount", path]);
    }
  });

  it("fits 80 columns, whole names included, and a pipe gets all", async () => {
    using place = freshPlace();
    const name = `cni-9d2b3a9e-${process.pid}-5c1d-2f0b8a7e6d5c`.slice(0, 40);
    try {
      const network = { ...lab, name: "a-network-with-a-rather-long-name" };
      const ports = ["8080:80", "5353:53/udp", "127.0.0.1:9000-9009:80-89"].flatMap((port) => ["--publish", port]);
      place.must("add", name, "--network", place.file("n.json", JSON.stringify(network)), ...ports);
      const { text } = await onTerminal(place.host.inside(place.command("ls")));
      for (const line of plain(text).split("\n")) assert.ok(line.length <= 80, line);
      assert.deepEqual(namesIn(plain(text)), [name]);
      assert.match(plain(text), /10\.20\.0\.2.*attached\n/);
      assert.ok(text.includes("\x1b[32mattached\x1b[39m"));
      const piped = place.must("ls");
      for (const word of [
        name,
        network.name,
        "10.20.0.2,fd20::2",
        "8080:80",
        "127.0.0.1:9000-9009:80-89",
        "5353:53/udp",
      ])
        assert.ok(piped.includes(word), word);
    } finally {
      place.cli("del", name);
    }
  });
});
