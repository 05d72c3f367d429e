/** `ns-net doctor` */
import { resolve } from "node:path";
import { statusSocketDefault } from "../../../agent/report/http.ts";
import { defaultDataDir } from "../../../conf/identity.ts";
import { type Examined, examine } from "../../../explain/doctor/examine.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import defer * as bundle from "../../doctor/bundle.ts";
import { Machine } from "../../doctor/machine.ts";
import { pageOf } from "../../doctor/text.ts";
import { typedCure } from "../../labs/cures.ts";
import { binDirDefault, folders } from "../install.ts";
import { labOption, networkOptions } from "../options.ts";

export default command({
  about:
    "Look for what keeps containers from their network: the kernel, sysctls, limits, firewalls of other programs,\nsubnets, MTUs, configurations, versions, and what is left of containers that are gone. Changes nothing.",
  usage: "[options]",
  operands: [0, 0],
  options: {
    bundle: {
      type: "string",
      value: "FILE",
      about: "also write all that a report of a bug needs, without secrets (.tar.gz)",
    },
    "data-dir": networkOptions["data-dir"],
    ...folders,
    "status-socket": {
      type: "string",
      value: "PATH",
      about: `where the agent answers (default ${statusSocketDefault})`,
    },
    ...labOption,
    json: { type: "boolean", about: "print JSON" },
  },
  more: `
Below what is wrong is its cure: a command where one helps. docs/doctor.md has each check.

  ns-net doctor
  ns-net doctor --json | jq -r '.checks[] | select(.status == "fail") | .cure'
  ns-net doctor --bundle report.tar.gz

Exit code: 0 nothing failed, 1 a check failed.`,

  async run({ options }) {
    const where = {
      dataDir: options["data-dir"] ?? defaultDataDir,
      binDir: resolve(options["bin-dir"] ?? binDirDefault),
      statusSocket: options["status-socket"] ?? statusSocketDefault,
    };
    using machine = new Machine(where);
    const checks = (await examine(machine)).map((one) => ({ ...one, cure: typedCure(one.cure) }));
    const report = { ok: !checks.some(isFailure), checks };
    writeOut(options.json ? `${JSON.stringify(report, null, 2)}\n` : pageOf(checks));
    if (options.bundle !== undefined) {
      await bundle.writeBundle(options.bundle, report, machine, where);
      process.stderr.write(`ns-net: wrote ${options.bundle}\n`);
    }
    return report.ok ? 0 : 1;
  },
});

const isFailure = ({ status }: Examined) => status === "fail";
