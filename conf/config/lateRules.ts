/** Rules that few calls need; loaded by those. */
import { features, links, oldResult, result, staticIpam } from "../generated/rare.js";

export const rare = { staticIpam, result, oldResult, links, features } as const;
