/**
 * A DEL whose requests to the kernel are refused, one by one: no address is free while a link may have it, and the next DEL
 * leaves nothing. strace refuses them, in the executable itself.
 */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { links } from "../../support/sandbox.ts";
import { withoutAgent } from "../../support/throughAgent.ts";
import { freshWorld, ourLinks } from "../../support/world.ts";

/** More requests than a DEL makes: reaching it is an error. */
const requestsMax = 60;

describe("A DEL that the kernel refuses half-way", function () {
  this.timeout(120_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "strace");
    withoutAgent(this, "strace refuses requests of the executable");
  });

  for (const [title, more] of [
    ["of a veth", {}],
    [
      "with a published port",
      { runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] } },
    ],
  ] as const) {
    it(`${title}, keeps the lease as long as the link or its rules exist`, () => {
      let refused = 0;
      for (let at = 1; at < requestsMax; at++) {
        using world = freshWorld();
        const netns = world.netns();
        const config = world.network({ ipMasq: true, ...more });
        world.must("ADD", config, { netns });
        const plugin = join(world.dataDir, "refused");
        const inject = `-e trace=sendto --inject=sendto:error=EIO:when=${at}`;
        writeFileSync(
          plugin,
          `#!/bin/sh\nexec ${Bun.which("strace")} -qq -o ${world.dataDir}/calls ${inject} ${nsNet}\n`,
        );
        chmodSync(plugin, 0o755);
        const { code, stdout } = world.call("DEL", config, { netns, plugin });
        if (!/INJECTED/.test(calls(world.dataDir))) {
          assert.equal(code, 0, stdout);
          assert.ok(refused > 0, "nothing was refused");
          return;
        }
        const isLeft = ourLinks(world.host).length > 0 || links(netns).has("eth0") || /8080/.test(ruleset(world.host));
        const where = `request ${at}: exit code ${code}, ${stdout}`;
        if (code !== 0) refused++;
        if (isLeft) assert.deepEqual([code === 0, world.leases().length], [false, 1], where);
        world.must("DEL", config, { netns });
        assert.deepEqual([world.leases(), ourLinks(world.host), [...links(netns).keys()]], [[], [], ["lo"]], where);
        assert.doesNotMatch(ruleset(world.host), /8080/);
      }
      assert.fail(`still refused at request ${requestsMax}`);
    });
  }
});

const calls = (folder: string) => readFileSync(join(folder, "calls"), "utf8");
const ruleset = (host: { nft(...words: string[]): string }) => host.nft("list", "ruleset");
