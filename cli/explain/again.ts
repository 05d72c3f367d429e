/** How a person attaches again what is lost. */
import type { Entry } from "../../store/entry.ts";
import { netnsFolder } from "../../sys/netns.ts";

/** Empty for an attachment of a runtime, which makes its namespaces itself. */
export function commandAgain({ netnsPath, attachment }: Entry): string {
  const { container, network } = attachment;
  if (netnsPath !== `${netnsFolder}/${container}`) return "";
  return `ns-net del ${container} && ns-net add ${container} --network ${network}`;
}
