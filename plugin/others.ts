/** The verbs of plugins that make no interface of their own: those that come after another one, and IPAMs. */

import type { PluginType } from "../conf/pluginType.ts";
import type { CollectRequest, DeleteRequest, Request } from "../conf/request.ts";
import type { Result } from "../conf/result/result.ts";
import { roleOf } from "../plan/types.ts";
import { addChained, type ChainedOptions, checkChained, collectChained, delChained } from "./chain/chained.ts";
import defer * as ipamVerbs from "./ipamPlugin.ts";

export function addOther(request: Request, options: ChainedOptions): Promise<Result> {
  return roleOf(request.config.type) === "ipam" ? ipamVerbs.addAsIpam(request) : addChained(request, options);
}

export async function checkOther(request: Request): Promise<undefined> {
  if (roleOf(request.config.type) === "ipam") await ipamVerbs.checkAsIpam(request);
  else checkChained(request);
}

/** An IPAM's DEL and GC are those of a link that is not there. */
export function delOther(request: DeleteRequest & { readonly type: PluginType }): undefined {
  delChained(request);
}

export function collectOther(request: CollectRequest & { readonly type: PluginType }): undefined {
  collectChained(request);
}
