/** ADD in one PID namespace and DEL in another, as a plugin in a pod and one on the node. Witnesses: `unshare`, `ip`. */
import assert from "node:assert/strict";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet, startPlugin } from "../../support/plugin.ts";
import { links, run } from "../../support/sandbox.ts";
import { freshWorld, ourLinks } from "../../support/world.ts";

describe("An ADD that runs in another PID namespace", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  it("is waited for by DEL, which removes what it created", async () => {
    using world = freshWorld();
    const netns = world.netns();
    const folder = join(world.dataDir, "../plugins");
    mkdirSync(folder);
    for (const name of ["asked", "go"]) run(["mkfifo", join(folder, name)]);
    // An IPAM plugin that reports its call, and answers on a signal.
    const answer = JSON.stringify({ cniVersion: "1.1.0", ips: [{ address: "10.7.0.50/24" }] });
    const script = `#!/bin/sh\n[ $CNI_COMMAND = ADD ] || exit 0\necho asked >${folder}/asked\nread _ <${folder}/go\necho '${answer}'\n`;
    writeFileSync(join(folder, "slow"), script, { mode: 0o755 });
    const config = world.network({ ipam: { type: "slow" } });
    const adding = Bun.spawn(
      ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", ...world.host.inside([nsNet])],
      {
        env: {
          ...{ PATH: process.env["PATH"], CNI_COMMAND: "ADD", CNI_CONTAINERID: "c1", CNI_IFNAME: "eth0" },
          ...{ CNI_NETNS: netns.path, CNI_PATH: folder },
        },
        stdin: Buffer.from(JSON.stringify(config)),
        stdout: "pipe",
      },
    );
    await Bun.spawn(["head", "-n1", join(folder, "asked")]).exited;
    const deleting = startPlugin({ command: "DEL", config, host: world.host, netns, pluginPath: folder });
    // A DEL that treats the running ADD as dead ends at once.
    const first = await Promise.race([deleting.answer.then(() => "DEL"), Bun.sleep(700).then(() => "nothing")]);
    assert.equal(first, "nothing", "ended while the ADD was at work");
    writeFileSync(openSync(join(folder, "go"), "w"), "now\n");
    assert.equal(await adding.exited, 0, await adding.stdout.text());
    assert.equal((await deleting.answer).code, 0);
    assert.deepEqual([[...links(netns).keys()], ourLinks(world.host), world.rows()], [["lo"], [], []]);
  });
});
