/** Validators that few calls need and load. */
import { features, links, oldResult, result, staticIpam } from "../generated/rare.js";

export const rare = { staticIpam, result, oldResult, links, features } as const;
