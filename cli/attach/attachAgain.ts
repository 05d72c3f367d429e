/** How an attachment comes back whose interface is not in its place: nothing that runs now makes a container's interface again. */

import { isAllOurs } from "../../ipam/hostLocal/adopted.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { identityIn, openIfSame } from "../../kernel/namespace.ts";
import type { Step } from "../../step/index.ts";
import { shellWord } from "../../step/shellWords.ts";
import type { Entry } from "../../store/entry.ts";
import { defaultNetwork } from "../network.ts";
import { defaultIfname, shortName, targetOf } from "../target.ts";
import { portsOf } from "./publish.ts";

/**
 * The command if the interface has another name, or if a person attached it: a second `add` keeps the address and removes what is left. Else a sentence: only
 * the runtime knows what it asked for. `sameStore`: further words of the command.
 */
export function attachAgain(entry: Entry, steps: readonly Step[], sameStore: string): string {
  const { network, container, ifname } = entry.attachment;
  const renamed = isAllOurs(entry) ? renamedBack(entry) : undefined;
  if (renamed !== undefined) return renamed;
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

/** The command that gives the container's end its name again. While the pair exists, no `add` makes another one. */
function renamedBack({ attachment: { ifname }, hostLink, netnsPath, ...entry }: Entry): string | undefined {
  const pod = openIfSame(netnsPath, identityIn(entry));
  if (pod === undefined) return undefined;
  using kernel = openKernel({ container: pod });
  const outer = kernel.link("host", hostLink);
  const inner = outer?.peerIndex === undefined ? undefined : kernel.linkByIndex(outer.peerIndex, "container");
  if (inner?.peerIndex !== outer?.index || inner?.name === undefined || inner.name === ifname) return undefined;
  return ["nsenter", `--net=${netnsPath}`, "ip", "link", "set", inner.name, "name", ifname].map(shellWord).join(" ");
}
