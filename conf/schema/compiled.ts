/** The schemas that are compiled ahead of time, by the names of their validators in generated/. */
import { features } from "./features.ts";
import { staticIpam, storeIpam } from "./ipam.ts";
import { links } from "./links.ts";
import { network } from "./network.ts";
import { oldResult, result } from "./result.ts";

export const compiled = { network, storeIpam, staticIpam, result, oldResult, features, links } as const;

export type CompiledName = keyof typeof compiled;
