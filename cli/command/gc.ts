/** `ns-net gc` */
import { defaultDataDir } from "../../conf/identity.ts";
import type { CollectRequest } from "../../conf/request.ts";
import { bootId, type Entry } from "../../ipam/store.ts";
import { throwTogether } from "../../plugin/failure.ts";
import { type Collected, gc } from "../../plugin/gc.ts";
import { Kernel } from "../../plugin/kernel.ts";
import { writeOut } from "../../plugin/output.ts";
import { adoptedStanding } from "../../plugin/reference/standing.ts";
import { entries, mayStand, pidsByInode } from "../attachments.ts";
import { command } from "../command.ts";
import { defaultNetwork } from "../network.ts";
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
    const dataDir = options["data-dir"] ?? defaultDataDir;
    const all = entries({ network: options.network, dataDir });
    const networks = new Set(all.map(({ attachment }) => attachment.network));
    networks.add(options.network ?? String(defaultNetwork["name"]));
    const collected: Record<string, Collected> = {};
    const errors: Error[] = [];
    for (const network of networks) {
      try {
        collected[network] = await gc(requestFor(network, all, dataDir), options["dry-run"] ?? false);
      } catch (error) {
        errors.push(error as Error);
      }
    }
    writeOut(
      options.json
        ? `${JSON.stringify(collected, null, 2)}\n`
        : textOf(collected, options["dry-run"] ? "would remove" : "removed"),
    );
    throwTogether(errors);
    return 0;
  },
});

function requestFor(network: string, all: readonly Entry[], dataDir: string): CollectRequest {
  const mine = all.filter(({ attachment }) => attachment.network === network);
  const [boot, pids] = [bootId(), pidsByInode()];
  const kernel = new Kernel();
  const isAdoptedStanding = adoptedStanding(kernel);
  const valid = mine.filter((entry) => mayStand(entry, boot, pids) || isAdoptedStanding(entry));
  kernel.close();
  return {
    network,
    cniVersion: "1.1.0",
    dataDir,
    bridge: "",
    ipamType: "ns-net",
    pluginPath: [],
    raw: { environment: {}, stdin: "" },
    valid: valid.map(({ attachment: { container, ifname } }) => ({ container, ifname })),
  };
}

function textOf(collected: Readonly<Record<string, Collected>>, verb: string): string {
  const lines = Object.entries(collected).flatMap(([network, { attachments, links, chains, bridges }]) => [
    ...attachments.map(({ container, ifname }) => `${verb} the attachment ${ifname} of ${container} on ${network}`),
    ...links.map((link) => `${verb} link ${link} of ${network}`),
    ...chains.map((chain) => `${verb} nf_tables chain ${chain}`),
    ...bridges.map((bridge) => `${verb} bridge ${bridge} of ${network}`),
  ]);
  return lines.length === 0 ? "Nothing to remove.\n" : lines.map((line) => `${line}\n`).join("");
}
