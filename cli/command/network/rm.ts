/** `ns-net network rm <name>` */
import { rmSync } from "node:fs";
import { code, Fault } from "../../../conf/fault.ts";
import { defaultDataDir } from "../../../conf/identity.ts";
import { isOurs } from "../../../explain/networks/configured.ts";
import type { Network } from "../../../explain/networks/everyNetwork.ts";
import { openKernel } from "../../../kernel/kernel.ts";
import { throwTogether } from "../../../plugin/faults.ts";
import { openOrCreate } from "../../../plugin/recovery/openStore.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { openedStore } from "../../attachments.ts";
import { collectAll, linesOf } from "../../collect.ts";
import { command } from "../../command.ts";
import { touching } from "../../install/files.ts";
import { configurationFolder } from "../../network.ts";
import { type Known, knownIn, networkNamed } from "../../networks/known.ts";
import { forget } from "../../remembered.ts";
import { shortName } from "../../target.ts";
import { networkOptions } from "../options.ts";

export default command({
  about: "Remove a network: its configuration, its bridge and its rules. Refused while something is attached.",
  usage: "<network> [options]",
  operands: [1, 1],
  options: { "data-dir": networkOptions["data-dir"] },

  async run({ options, operands }) {
    const name = operands[0]!;
    const dataDir = options["data-dir"] ?? defaultDataDir;
    const lines = removeConfiguration(name, dataDir);
    // The rest can be repeated: a bridge that is left has no attachment, and `ns-net gc` removes it, too.
    const { collected, errors } = await collectAll(dataDir, { network: name });
    lines.push(...linesOf(collected, "removed"));
    throwTogether(errors);
    using store = openedStore(dataDir);
    store?.forgetNetwork(name);
    writeOut(`${[...lines, `removed network ${name}`].join("\n")}\n`);
    return 0;
  },
});

/** No ADD begins between the look and the removal. */
function removeConfiguration(name: string, dataDir: string): string[] {
  using kernel = openKernel();
  using store = openOrCreate({ dataDir, network: name }, kernel);
  return store.exclusively(() => {
    const known = knownIn(dataDir, store, kernel);
    const network = networkNamed(name, known);
    refuseForeign(network, known);
    if (network.attachments > 0) throw inUse(network, known);
    const isInFolder = network.path.startsWith(`${configurationFolder}/`);
    if (isInFolder) touching(`remove ${network.path}`, "Run it as root", () => rmSync(network.path, { force: true }));
    forget(name, dataDir);
    return isInFolder ? [`removed ${network.path}`] : [];
  });
}

/** Another program's network: its plugin would not expect its bridge to go. */
function refuseForeign({ name, bridge, source, path }: Network, { configured }: Known): void {
  const one = configured.find(({ configuration }) => configuration["name"] === name);
  if (source === "kernel")
    throw new Fault(
      code.config,
      `Cannot remove ${name}: it is a bridge that another program made`,
      `Remove it with that program, or: ip link delete ${bridge}`,
    );
  if (one && !isOurs(one))
    throw new Fault(
      code.config,
      `Cannot remove the network ${name}: no plugin of it is of type ns-net`,
      path === "" ? "Remove it with the program that made it" : `Remove its file, and what its plugins left: ${path}`,
    );
}

const shownMax = 5;

function inUse({ name, attachments, bridge }: Network, { store }: Known): Fault {
  const names = (store?.entries(name) ?? []).map(({ netnsPath, attachment }) =>
    shortName(netnsPath, attachment.container),
  );
  const shown = [...names.slice(0, shownMax), ...(names.length > shownMax ? ["…"] : [])].join(", ");
  const what = attachments === 1 ? "1 attachment exists" : `${attachments} attachments exist`;
  return new Fault(
    code.config,
    `Cannot remove the network ${name}: ${what}${names.length > 0 ? `: ${shown}` : ` on the bridge ${bridge}`}`,
    names.length > 0
      ? `Detach first: ns-net del ${names[0]} --network ${name}`
      : `See them with: ip link show master ${bridge}`,
  );
}
