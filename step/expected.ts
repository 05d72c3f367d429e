/** The steps of an attachment as the plugins that came after it in the chain left them: what those did is no fault of theirs. */

import { type Step, supersede } from "./index.ts";

/** All that was done, in the order of the plugins that did it, each as those after it left it. */
export function allExpected(inOrder: readonly (readonly Step[])[]): Step[] {
  return inOrder.flatMap((steps, i) => expectedAfter(steps, inOrder.slice(i + 1).flat()));
}

/** `later` are the steps of those plugins, as the store keeps them. */
export function expectedAfter(steps: readonly Step[], later: readonly Step[]): Step[] {
  let left = [...steps];
  for (const one of later) left = left.flatMap((step) => supersede(one, step) ?? []);
  return left;
}
