/** A pod that a person names. */

import { code, Fault } from "../../conf/fault.ts";
import { nearest } from "../../conf/nearest.ts";

/** The one of that name. Throws Fault with the name that may be meant. */
export function named<One extends { readonly name: string }>(all: readonly One[], name: string, lab: string): One {
  const found = all.find((one) => one.name === name);
  if (found) return found;
  const names = all.map((one) => one.name);
  const meant = nearest(name, names);
  throw new Fault(
    code.config,
    `The lab ${lab} has no pod ${name}`,
    meant === undefined ? `There is: ${names.join(", ")}` : `Did you mean ${meant}?`,
  );
}
