/** The unit for systemd, as systemd itself reads it. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unitText } from "../../cli/install/unit.ts";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";

describe("deploy/ns-net-agent.service", function () {
  this.timeout(30_000);

  it("is the unit that install writes", () => {
    const file = readFileSync(join(import.meta.dirname, "../../deploy/ns-net-agent.service"), "utf8");
    assert.equal(file, unitText("/opt/cni/bin"));
  });

  /** Lists the mistakes that `systemd-analyze verify` finds in a unit. It reads, and starts nothing. */
  function verified(text: string, folder: string): string {
    const unit = join(folder, "ns-net-agent.service");
    writeFileSync(unit, text);
    const { stderr } = Bun.spawnSync(["systemd-analyze", "verify", "--man=no", unit]);
    return stderr
      .toString()
      .split("\n")
      .filter((line) => line.includes("ns-net"))
      .join("\n");
  }

  it("is understood by systemd, also in a folder with a space and a percent sign", function () {
    needs(this, "ns-net", "systemd-analyze");
    const folder = mkdtempSync(join(tmpdir(), "ns-net-unit-"));
    try {
      const binDir = join(folder, "bin of 100%");
      mkdirSync(binDir);
      symlinkSync(nsNet, join(binDir, "ns-net-full"));
      assert.equal(verified(unitText(binDir), folder), "");
      assert.match(verified(unitText(binDir).replace("KillMode=mixed", "KilMode=mixed"), folder), /KilMode/);
      assert.match(verified(unitText(join(folder, "nowhere")), folder), /ns-net-full is not executable/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
