/** Configurations that work with the plugins that are there, and that ns-net refuses in their place. */
import { refusalsOf } from "../../explain/networks/refusals.ts";
import { filesIn } from "../network.ts";

/** A sentence for each plugin, with the cure. */
export function refusedFiles(confDir: string): string[] {
  return filesIn(confDir).flatMap(({ path, configuration }) =>
    refusalsOf({ configuration: configuration ?? {} }).map(
      ({ type, fault }) =>
        `${path}: from now on each ADD of ${type} is refused: ${fault.sentence(byHand)}\n  ${fault.cure(byHand)}; or go back: ns-net uninstall`,
    ),
  );
}

const byHand = { byHand: true };
