/** `ns-net del <netns>` */
import { code, Fault } from "../../conf/fault.ts";
import { isAllOurs } from "../../ipam/hostLocal/adopted.ts";
import { del } from "../../plugin/del.ts";
import { throwTogether } from "../../plugin/faults.ts";
import type { Entry } from "../../store/entry.ts";
import { bridgeOf, dataDirOf, entries, entriesOf, type Filter, removalOf, sameStoreAs } from "../attachments.ts";
import { noticed } from "../byHand.ts";
import { callByHand } from "../callByHand.ts";
import { command } from "../command.ts";
import { reportLost } from "../lost.ts";
import { waitForStore, waitingForOthers } from "../output/patience.ts";
import { isTerminal, output } from "../output/terminal.ts";
import { deleteOwn } from "../ownNamespace.ts";
import { nothingOf, unknownNetwork } from "../suggest.ts";
import { type Target, targetToRemove } from "../target.ts";
import { filterOptions } from "./options.ts";

export default command({
  about:
    "Detach namespaces: all their attachments, or those of one network or interface.\nA namespace that add made is deleted with its last attachment. Nothing attached is success.",
  usage: "<netns> … [options]",
  operands: [1, Number.POSITIVE_INFINITY],
  options: filterOptions,
  more: `
  ns-net del web
  ns-net del web db            each is tried, also if another fails`,

  async run({ options, operands }) {
    const dataDir = dataDirOf(options);
    const errors: Error[] = [];
    const bridges = new Map<string, string>();
    await waitForStore(dataDir);
    for (const name of new Set(operands)) {
      try {
        const removed = await detach(targetToRemove(name), options, dataDir, errors);
        for (const entry of removed.filter(isAllOurs)) bridges.set(entry.attachment.network, bridgeOf(entry) ?? "");
      } catch (error) {
        errors.push(error as Error);
      }
    }
    if (isTerminal(output.error)) reportEmpty(bridges, dataDir);
    throwTogether(errors);
    return 0;
  },
});

/** Answers what was attached. Failures go into `errors`. Throws Fault if the store cannot be read. */
async function detach(
  target: Target,
  { network, ifname }: Pick<Filter, "network" | "ifname">,
  dataDir: string | undefined,
  errors: Error[],
): Promise<readonly Entry[]> {
  const found = entriesOf(target, { network, ifname, dataDir });
  const hadNothing = found.length === 0 ? nothingOf(target, dataDir) : undefined;
  const call = callByHand();
  const before = errors.length;
  {
    using _ = waitingForOthers(target, dataDir, "detaching");
    for (const entry of found) {
      try {
        await del(removalOf(entry, dataDir), call);
      } catch (error) {
        errors.push(error as Error);
      }
    }
  }
  if (errors.length > before) return [];
  if (hadNothing && !reportLost(dataDir)) reportNothing(hadNothing, network, dataDir);
  if (entriesOf(target, { dataDir }).length > 0) return found;
  for (const path of new Set([target.path, ...found.map(({ netnsPath }) => netnsPath)])) deleteOwn(path);
  return found;
}

/** Nothing attached is success. But a typing mistake should be seen. */
function reportNothing(
  [sentence, meant]: ReturnType<typeof nothingOf>,
  network: string | undefined,
  dataDir: string | undefined,
): void {
  process.stderr.write(noticed(unknownNetwork(network, dataDir) ?? new Fault(code.unknownContainer, sentence, meant)));
}

/** A person may wonder why a bridge stays with nothing attached. `bridges` by network. */
function reportEmpty(bridges: ReadonlyMap<string, string>, dataDir: string | undefined): void {
  for (const [network, bridge] of bridges) {
    if (bridge === "" || entries({ network, dataDir }).length > 0) continue;
    const words = `ns-net gc${sameStoreAs(dataDir)} removes it`;
    process.stderr.write(
      `Nothing is attached to ${network} now. Its bridge ${bridge} stays for the next add; ${words}.\n`,
    );
  }
}
