/**
 * An unknown type is refused: taken for ns-net, it would attach to a network that the configuration does not describe.
 */
import { badConfig, code, Fault, shown } from "./fault.ts";
import { nearest } from "./nearest.ts";
import { pluginTypes } from "./pluginType.ts";

/** Names the nearest type, or all if none is near. */
export function unknownType(written: unknown): Fault {
  const meant = typeof written === "string" ? nearest(written, pluginTypes) : undefined;
  if (meant === undefined) return badConfig("type", written, `one of ${pluginTypes.join(", ")}`);
  return new Fault(code.config, `Cannot use type = ${shown(written)}`, `did you mean ${meant}?`);
}
