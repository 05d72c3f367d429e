/** How an attachment whose interface is gone comes back: nothing that runs now can make a container's interface again. */

import { isAllOurs } from "../../ipam/hostLocal/adopted.ts";
import type { Step } from "../../step/index.ts";
import { shellWord } from "../../step/shellWords.ts";
import type { Entry } from "../../store/entry.ts";
import { defaultNetwork } from "../network.ts";
import { defaultIfname, shortName, targetOf } from "../target.ts";
import { portsOf } from "./publish.ts";

/**
 * The command if a person attached it: a second `add` keeps the address and removes what is left. Else a sentence: only
 * the runtime knows what it asked for. `sameStore`: further words of the command.
 */
export function attachAgain(entry: Entry, steps: readonly Step[], sameStore: string): string {
  const { network, container, ifname } = entry.attachment;
  const name = shortName(entry.netnsPath, container);
  if (!isAllOurs(entry) || !isByHand(name, container))
    return `Restart container ${container}: only what attached it attaches it again`;
  const words = [
    ...["ns-net", "add", name],
    ...(network === defaultNetwork["name"] ? [] : ["--network", network]),
    ...(ifname === defaultIfname ? [] : ["--ifname", ifname]),
    ...portsOf(steps).flatMap((port) => ["--publish", port]),
  ];
  return `${words.map(shellWord).join(" ")}${sameStore}`;
}

/** A runtime gives the container an id of its own. */
function isByHand(name: string, container: string): boolean {
  try {
    return targetOf(name).container === container;
  } catch {
    return false; // no word that add takes
  }
}
