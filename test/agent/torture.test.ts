/** A part of `npm run torture`: an agent and its launchers are killed in the middle of calls, and nothing is lost. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { needs } from "../support/needs.ts";

describe("Calls that are handed over", function () {
  this.timeout(300_000);

  before(function () {
    needs(this, "ns-net", "ns-net-launcher", "bridge", "macvlan", "nft nat", "strace", "ip", "nft");
  });

  /** Runs the faults of that title, in mount and network namespaces of their own. Answers how many were tried. */
  async function tried(title: string): Promise<number> {
    const program = join(import.meta.dirname, "../../torture/main.ts");
    const words = ["--short", "--only", title];
    const command = ["unshare", "--net", "--mount", "--propagation", "private", process.execPath, program, ...words];
    const { NSNET_SANDBOX: _, ...environment } = process.env;
    const child = Bun.spawn(command, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
    const [table, stories] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    assert.equal(await child.exited, 0, `${stories}\n${table}`);
    return Number(/^\| all +\| +(\d+)/m.exec(table)?.[1]);
  }

  it("succeed exactly once, at whichever system call the agent is killed", async () => {
    assert.ok((await tried("of the agent at each")) >= 10);
  });

  it("leave nothing that a DEL does not remove, at whichever the launcher is killed", async () => {
    assert.ok((await tried("of the launcher at each")) >= 20);
  });

  it("leave no memory and no file in use after hundreds of ADDs and DELs", async () => {
    assert.equal(await tried("through one agent"), 600);
  });
});
