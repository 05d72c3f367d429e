/** `ns-net del <netns>` */
import { code, Fault } from "../../conf/fault.ts";
import { del } from "../../plugin/del.ts";
import { throwTogether } from "../../plugin/faults.ts";
import { dataDirOf, entriesOf, removalOf } from "../attachments.ts";
import { spoken } from "../byHand.ts";
import { callByHand } from "../callByHand.ts";
import { command } from "../command.ts";
import { reportLost } from "../lost.ts";
import { waitForStore, waitingForOthers } from "../output/patience.ts";
import { deleteOwn } from "../ownNamespace.ts";
import { nothingOf, unknownNetwork } from "../suggest.ts";
import { targetToRemove } from "../target.ts";
import { filterOptions } from "./options.ts";

export default command({
  about:
    "Detach a namespace: all its attachments, or those of one network or interface.\nA namespace that add made is deleted with its last attachment. Nothing attached is success.",
  usage: "<netns> [options]",
  operands: [1, 1],
  options: filterOptions,

  async run({ options, operands }) {
    const target = targetToRemove(operands[0]!);
    const dataDir = dataDirOf(options);
    const found = entriesOf(target, { network: options.network, ifname: options.ifname, dataDir });
    const hadNothing = found.length === 0 ? nothingOf(target, dataDir) : undefined;
    const errors: Error[] = [];
    const call = callByHand();
    await waitForStore(dataDir);
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
    throwTogether(errors);
    if (hadNothing && !reportLost(dataDir)) reportNothing(hadNothing, options.network, dataDir);
    if (entriesOf(target, { dataDir }).length > 0) return 0;
    for (const path of new Set([target.path, ...found.map(({ netnsPath }) => netnsPath)])) deleteOwn(path);
    return 0;
  },
});

/** Nothing attached is success. But a typing mistake should be seen. */
function reportNothing(
  [sentence, meant]: ReturnType<typeof nothingOf>,
  network: string | undefined,
  dataDir: string | undefined,
): void {
  process.stderr.write(spoken(unknownNetwork(network, dataDir) ?? new Fault(code.unknownContainer, sentence, meant)));
}
