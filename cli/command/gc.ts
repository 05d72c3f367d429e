/** `ns-net gc` */

import { defaultDataDir } from "../../conf/identity.ts";
import { throwTogether } from "../../plugin/faults.ts";
import { writeOut } from "../../plugin/stdio.ts";
import { dataDirOf, networkName } from "../attachments.ts";
import { spoken } from "../byHand.ts";
import { collectAll, linesOf } from "../collect.ts";
import { command } from "../command.ts";
import { waitForStore } from "../output/patience.ts";
import { unknownNetwork } from "../suggest.ts";
import { networkOptions } from "./options.ts";

export default command({
  about:
    "Remove leases, links and rules of attachments whose namespace is gone,\nand the bridge and rules of a network that has no attachment left.",
  usage: "[options]",
  operands: [0, 0],
  options: {
    network: { ...networkOptions.network, about: "only this network (default: all that the store knows)" },
    "data-dir": networkOptions["data-dir"],
    "dry-run": { type: "boolean", about: "print what would be removed, and remove nothing" },
    json: { type: "boolean", about: "print JSON" },
  },

  async run({ options }) {
    const dataDir = dataDirOf(options) ?? defaultDataDir;
    const dryRun = options["dry-run"] ?? false;
    const network = options.network === undefined ? undefined : networkName(options.network);
    const unknown = unknownNetwork(options.network, dataDir);
    // The network may still have links: its store may be lost.
    if (unknown) process.stderr.write(spoken(unknown));
    await waitForStore(dataDir);
    const { collected, errors } = await collectAll(dataDir, { dryRun, network });
    const said = options.json
      ? `${JSON.stringify(collected, null, 2)}\n`
      : textOf(linesOf(collected, dryRun ? "would remove" : "removed"));
    // Says nothing about networks that could not be read.
    if (errors.length === 0 || Object.keys(collected).length > 0) writeOut(said);
    throwTogether(errors);
    return 0;
  },
});

function textOf(lines: readonly string[]): string {
  return lines.length === 0 ? "Nothing to remove.\n" : lines.map((line) => `${line}\n`).join("");
}
