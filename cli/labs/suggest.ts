/** The cure for a name that nothing has. */
import { nearest } from "../../conf/nearest.ts";

export function suggestedName(written: string, names: readonly string[]): string {
  const meant = nearest(written, names);
  return meant === undefined ? `There is: ${names.join(", ")}` : `Did you mean ${meant}?`;
}
