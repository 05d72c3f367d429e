/** The steps of an attachment as later plugins of the chain left them: a setting that a later plugin changed is that plugin's to check. */

import { type Step, supersede } from "./index.ts";

/** The steps of each plugin, in the order of the plugins, as those after it left them. */
export function allExpected(inOrder: readonly (readonly Step[])[]): Step[] {
  return inOrder.flatMap((steps, i) => expectedAfter(steps, inOrder.slice(i + 1).flat()));
}

/** `later`: the steps of the plugins after the one that committed `steps`. */
export function expectedAfter(steps: readonly Step[], later: readonly Step[]): Step[] {
  let left = [...steps];
  for (const one of later) left = left.flatMap((step) => supersede(one, step) ?? []);
  return left;
}
