/** `ns-net network inspect <name>` */
import type { Network } from "../../../explain/networks/everyNetwork.ts";
import { withoutPrefix } from "../../../ip/address.ts";
import { linkFlag } from "../../../netlink/route/link.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import type { Entry } from "../../../store/entry.ts";
import { columns, command } from "../../command.ts";
import { type Known, networkNamed, withNetworks } from "../../networks/known.ts";
import { shortName } from "../../target.ts";
import { labOption, networkOptions } from "../options.ts";

export default command({
  about: "Show one network: its configuration, its bridge now, and what is attached.",
  usage: "<network> [options]",
  operands: [1, 1],
  options: { "data-dir": networkOptions["data-dir"], ...labOption, json: { type: "boolean", about: "print JSON" } },

  run({ options, operands }) {
    const report = withNetworks(options["data-dir"], (known) => reportOf(networkNamed(operands[0]!, known), known));
    writeOut(options.json ? `${JSON.stringify(report, null, 2)}\n` : textOf(report));
    return 0;
  },
});

function reportOf({ name, bridge, subnets, attachments, source, path }: Network, { store, configured, kernel }: Known) {
  const link = bridge === undefined ? undefined : kernel.link("host", bridge);
  return {
    ...{ name, subnets, source, file: path || null },
    bridge: bridge ?? null,
    bridgeState: link === undefined ? "missing" : link.flags & linkFlag.up ? "up" : "down",
    attachments,
    attached: (store?.entries(name) ?? []).map(attachedOf),
    configuration: configured.find(({ configuration }) => configuration["name"] === name)?.configuration ?? null,
  };
}

function attachedOf({ attachment, netnsPath, addresses, state }: Entry) {
  const { container, ifname } = attachment;
  return {
    namespace: netnsPath,
    container,
    interface: ifname,
    addresses: addresses.map(({ address }) => address),
    state,
  };
}

function textOf(report: ReturnType<typeof reportOf>): string {
  const { name, bridge, bridgeState, subnets, source, file, attached, attachments } = report;
  const rows = [
    ["network", name],
    ["from", file ?? source],
    [
      "bridge",
      bridge === null ? "none" : `${bridge}, ${bridgeState === "missing" ? "made at the first use" : bridgeState}`,
    ],
    ["subnets", subnets.join(", ") || "chosen at the first use"],
    ["attached", String(attachments)],
  ];
  const list = attached.map(({ namespace, container, interface: ifname, addresses, state }) => [
    shortName(namespace, container),
    ifname,
    addresses.map(withoutPrefix).join(","),
    state,
  ]);
  return columns(rows) + (list.length > 0 ? columns(list, "  ") : "");
}
