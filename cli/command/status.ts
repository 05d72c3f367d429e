/** `ns-net status` */
import { resolve } from "node:path";
import { statusSocketDefault } from "../../agent/report/http.ts";
import { defaultDataDir } from "../../conf/identity.ts";
import { writeOut } from "../../plugin/stdio.ts";
import { command } from "../command.ts";
import { reportElsewhere } from "../lost.ts";
import { ownVersion } from "../ownVersion.ts";
import { statusNow } from "../status/report.ts";
import { pageOf } from "../status/text.ts";
import { binDirDefault, folders } from "./install.ts";
import { networkOptions } from "./options.ts";

export default command({
  about: "Show the agent, what is installed, how full the pools are, and what is attached. Works without an agent.",
  usage: "[options]",
  operands: [0, 0],
  options: {
    ...folders,
    "data-dir": networkOptions["data-dir"],
    "status-socket": {
      type: "string",
      value: "PATH",
      about: `the agent's socket for this command (default ${statusSocketDefault})`,
    },
    json: { type: "boolean", about: "print JSON" },
  },

  async run({ options }) {
    const status = await statusNow({
      version: ownVersion,
      dataDir: options["data-dir"] ?? defaultDataDir,
      statusSocket: options["status-socket"] ?? statusSocketDefault,
      binDir: resolve(options["bin-dir"] ?? binDirDefault),
    });
    writeOut(options.json ? `${JSON.stringify(status, null, 2)}\n` : pageOf(status));
    if (status.attachments.length === 0) reportElsewhere(options["data-dir"]);
    return 0;
  },
});
