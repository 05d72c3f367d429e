/** The shell of `ns-net shell`, and of `ns-net exec` without a command. */
import type { Target } from "../target.ts";

/** Its words. A container has its own programs: only sh is sure, and often not even that. */
export function ownShell(target: Target, all = false): readonly string[] {
  process.env["PS1"] = `${labelOf(target)}:\\w\\$ `; // for shells whose settings leave the prompt alone
  return [all ? "sh" : process.env["SHELL"] || "/bin/sh"];
}

/** A word for the prompt and the hostname: letters, digits and "-". */
export function labelOf({ spec, name, container }: Target): string {
  const ofContainer = /^container:(?:.*\/)?(.+)$/.exec(spec)?.[1];
  const word = (ofContainer ?? name ?? container).replace(/[^a-zA-Z0-9-]+/g, "-").replace(/^-+|-+$/g, "");
  return word.slice(0, 63) || "ns-net";
}
