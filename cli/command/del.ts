/** `ns-net del <netns>` */
import { defaultDataDir } from "../../conf/identity.ts";
import { type Entry, openExistingStore } from "../../ipam/store.ts";
import { netnsFolder } from "../../netlink/netns.ts";
import { deleteNetns } from "../../netlink/newNetns.ts";
import { del } from "../../plugin/del.ts";
import { throwTogether } from "../../plugin/failure.ts";
import { entriesOf, removalOf } from "../attachments.ts";
import { command } from "../command.ts";
import { tellLost } from "../lost.ts";
import { targetOf } from "../target.ts";
import { filterOptions } from "./options.ts";

export default command({
  about:
    "Detach a namespace: all its attachments, or those of one network or interface.\nA namespace that add made is deleted with its last attachment. Nothing attached is success.",
  usage: "<netns> [options]",
  operands: [1, 1],
  options: filterOptions,

  async run({ options, operands }) {
    const target = targetOf(operands[0]!);
    const dataDir = options["data-dir"];
    const found = entriesOf(target, { network: options.network, ifname: options.ifname, dataDir });
    if (found.length === 0) tellLost(dataDir);
    const owned = found.find((entry) => entry.ownsNetns);
    if (owned) share(owned, dataDir);
    const errors: Error[] = [];
    for (const entry of found) {
      try {
        await del(removalOf(entry, dataDir));
      } catch (error) {
        errors.push(error as Error);
      }
    }
    throwTogether(errors);
    if (owned && entriesOf(target, { dataDir }).length === 0)
      deleteNetns(owned.netnsPath.slice(netnsFolder.length + 1));
    return 0;
  },
});

/** Before anything goes: whatever happens to this call, the last attachment of the namespace takes it along. */
function share(owned: Entry, dataDir = defaultDataDir): void {
  using store = openExistingStore(dataDir);
  store?.shareNetns(owned);
}
