/** A part of `npm run torture`: faults of every kind, spread over all of them, and nothing may be lost. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { needs } from "../support/needs.ts";

describe("Faults of every kind", function () {
  this.timeout(300_000); // a minute, if nothing else runs

  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "strace", "ip", "nft");
  });

  it("lose nothing: no link, lease, rule, namespace, and the next call works", async () => {
    const program = join(import.meta.dirname, "../../torture/main.ts");
    // In its own mount and network namespaces: it mounts a boot id over the kernel's.
    const command = ["unshare", "--net", "--mount", "--propagation", "private", process.execPath, program];
    // test/agent/torture.test.ts has the others.
    command.push("--short", "--but", "agent", "--but", "launcher");
    const { NSNET_SANDBOX: _, ...environment } = process.env;
    const child = Bun.spawn(command, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
    const [table, stories] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    assert.equal(await child.exited, 0, `${stories}\n${table}`);
    const [, tried] = /^\| all +\| +(\d+)/m.exec(table) ?? [];
    assert.ok(Number(tried) >= 50, table);
  });
});
