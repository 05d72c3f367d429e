/** Schemas that few calls need, with their validators; loaded by those. */
import { features, links, oldResult, result, staticIpam } from "./generated/rare.js";
import { features as featuresSchema } from "./schema/features.ts";
import { staticIpam as staticIpamSchema } from "./schema/ipam.ts";
import { links as linksSchema } from "./schema/links.ts";
import { oldResult as oldResultSchema, result as resultSchema } from "./schema/result.ts";

export const rare = {
  staticIpam: { schema: staticIpamSchema, validate: staticIpam },
  result: { schema: resultSchema, validate: result },
  oldResult: { schema: oldResultSchema, validate: oldResult },
  links: { schema: linksSchema, validate: links },
  features: { schema: featuresSchema, validate: features },
} as const;
