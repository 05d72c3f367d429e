/** `ns-net gc` */
import { defaultDataDir } from "../../conf/identity.ts";
import type { CollectRequest } from "../../conf/request.ts";
import { openExistingStore } from "../../ipam/store.ts";
import { throwTogether } from "../../plugin/failure.ts";
import { type Collected, gc } from "../../plugin/gc.ts";
import { Kernel } from "../../plugin/kernel.ts";
import { writeOut } from "../../plugin/output.ts";
import { dataDirOf, entries, networkName } from "../attachments.ts";
import { command } from "../command.ts";
import { defaultNetwork } from "../network.ts";
import { standing } from "../standing.ts";
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
    const kernel = new Kernel();
    const mayStand = standing(entries({ network: options.network, dataDir }), kernel);
    const networks = options.network === undefined ? networksOf(dataDir) : [networkName(options.network)];
    const collected: Record<string, Collected> = {};
    const errors: Error[] = [];
    for (const network of networks) {
      try {
        collected[network] = await gc(requestFor(network, dataDir), { dryRun: options["dry-run"] ?? false, mayStand });
      } catch (error) {
        errors.push(error as Error);
      }
    }
    kernel.close();
    const said = options.json
      ? `${JSON.stringify(collected, null, 2)}\n`
      : textOf(collected, options["dry-run"] ? "would remove" : "removed");
    // Of what could not be looked at there is nothing to say.
    if (errors.length < networks.length) writeOut(said);
    throwTogether(errors);
    return 0;
  },
});

/** All that the store has heard of, for a bridge and its rules outlive the attachments; and the built-in one. */
function networksOf(dataDir: string): string[] {
  using store = openExistingStore(dataDir);
  return [...new Set([...(store?.networks() ?? []), String(defaultNetwork["name"])])];
}

function requestFor(network: string, dataDir: string): CollectRequest {
  return {
    network,
    cniVersion: "1.1.0",
    dataDir,
    bridge: "",
    ipamType: "ns-net",
    pluginPath: [],
    raw: { environment: {}, stdin: "" },
    valid: [],
  };
}

function textOf(collected: Readonly<Record<string, Collected>>, verb: string): string {
  const lines = Object.entries(collected).flatMap(([network, { attachments, links, chains, bridges }]) => [
    // A reservation of an old host-local does not say of which interface it is.
    ...attachments.map(
      ({ container, ifname }) =>
        `${verb} the attachment ${ifname === "" ? "" : `${ifname} `}of ${container} on ${network}`,
    ),
    ...links.map((link) => `${verb} link ${link} of ${network}`),
    ...chains.map((chain) => `${verb} nf_tables chain ${chain}`),
    ...bridges.map((bridge) => `${verb} bridge ${bridge} of ${network}`),
  ]);
  return lines.length === 0 ? "Nothing to remove.\n" : lines.map((line) => `${line}\n`).join("");
}
