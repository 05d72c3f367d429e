/** Packages are listed before they are installed. `apt-get` is played by a script, and a program is hidden. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../../../scripts/setup/tools.mjs";
import { needs } from "../../support/needs.ts";
import { needsSandbox } from "../../support/sandbox.ts";

const tools = join(import.meta.dirname, "../../../scripts/setup/tools.mjs");
const program = `import(${JSON.stringify(tools)}).then(({ readyTools }) => readyTools())`;

describe("The Debian packages of the tests", function () {
  this.timeout(120_000);

  /** Runs the set-up where `ping` does not exist. Answers what it printed, with what `apt-get` was asked for. */
  function setUp(environment: Record<string, string> = {}) {
    const folder = mkdtempSync(join(tmpdir(), "ns-net-tools-"));
    try {
      const calls = join(folder, "calls");
      writeFileSync(
        join(folder, "apt-get"),
        `#!/bin/sh\necho "apt-get $*" | tee -a ${calls} >&2\necho "E: no network" >&2\nexit 100\n`,
      );
      chmodSync(join(folder, "apt-get"), 0o755);
      const hidden = ["unshare", "--mount", "sh", "-c", 'mount --bind /dev/null "$1"; shift; exec "$@"', "hide"];
      const { exitCode, stderr } = Bun.spawnSync([...hidden, findProgram("ping")!, "node", "-e", program], {
        env: {
          ...process.env,
          PATH: `${folder}:${process.env["PATH"]}`,
          NSNET_TOOLS: "",
          NSNET_PHASES: "",
          ...environment,
        },
        stdin: null,
      });
      return { exitCode, said: stderr.toString(), calls: existsSync(calls) ? readFileSync(calls, "utf8") : "" };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  before(function () {
    needsSandbox(this);
    needs(this, "ping");
    if (process.getuid?.() !== 0) this.skip();
  });

  it("are listed with the reason, then installed; a failure is a consequence, not the end", () => {
    const { exitCode, said, calls } = setUp();
    assert.equal(exitCode, 0, said);
    const order = [
      "ready: Debian packages for the tests (NSNET_TOOLS=no leaves the machine as it is):",
      "  iputils-ping: install; without it tests that ping are skipped",
      "ready: install the packages (apt-get) …",
      "ready: install the packages (apt-get): failed after",
      "ready: E: no network",
      "ready: iputils-ping is not installed: tests that ping are skipped",
    ].map((line) => said.indexOf(line));
    assert.ok(
      order.every((place, i) => place >= 0 && place > (order[i - 1] ?? -1)),
      said,
    );
    assert.match(calls, /^apt-get install .*iputils-ping/);
  });

  it("are not installed with NSNET_TOOLS=no", () => {
    const { exitCode, said, calls } = setUp({ NSNET_TOOLS: "no" });
    assert.deepEqual([exitCode, calls], [0, ""]);
    assert.match(said, /^ready: iputils-ping is not installed: tests that ping are skipped\n/m);
  });
});
