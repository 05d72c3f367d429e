/** Reads the facts that a chained plugin plans with. Refuses what cannot work before anything is changed. */

import { code, Fault } from "../../../conf/fault.ts";
import type { Request } from "../../../conf/request.ts";
import type { Result } from "../../../conf/result/result.ts";
import type { Kernel } from "../../../kernel/kernel.ts";
import type { ChainedFacts } from "../../../plan/facts.ts";
import { type ChainedName, chainedNameOf, chainedType } from "../../../plan/types.ts";
import defer * as bandwidth from "./bandwidth.ts";
import defer * as firewall from "./firewall.ts";
import defer * as hostPort from "./hostPort.ts";
import defer * as loopback from "./loopback.ts";
import defer * as portmap from "./portmap.ts";
import defer * as sbr from "./sbr.ts";
import defer * as tuning from "./tuning.ts";
import defer * as vrf from "./vrf.ts";

const nothing: Result = { interfaces: [], ips: [], routes: [] };

/** The result of the plugins before; empty if there was none. */
export const resultBefore = ({ config }: Request): Result => config.prevResult ?? nothing;

/** Throws Fault for what the plugin may not do. */
export function chainedFactsOf(request: Request, kernel: Kernel): ChainedFacts[ChainedName] {
  const { config } = request;
  refuseFirst(request);
  return chainedFacts(chainedNameOf(config.type), request, kernel);
}

function refuseFirst({ config: { type, prevResult } }: Request): void {
  if (prevResult || chainedType(type).first) return;
  throw new Fault(
    code.config,
    `Cannot run ${type} without prevResult`,
    `${type} works on what another plugin made: name it after that one in a list of plugins`,
  );
}

function chainedFacts<N extends ChainedName>(name: N, request: Request, kernel: Kernel): ChainedFacts[N] {
  return readers[name](request, resultBefore(request), kernel);
}

const readers: {
  readonly [N in ChainedName]: (request: Request, prev: Result, kernel: Kernel) => ChainedFacts[N];
} = {
  bandwidth: (...asked) => bandwidth.bandwidthFacts(...asked),
  firewall: (...asked) => firewall.firewallFacts(...asked),
  hostPort: (...asked) => hostPort.hostPortFacts(...asked),
  loopback: (...asked) => loopback.loopbackFacts(...asked),
  portmap: (...asked) => portmap.portmapFacts(...asked),
  sbr: (...asked) => sbr.sbrFacts(...asked),
  tuning: (...asked) => tuning.tuningFacts(...asked),
  vrf: (...asked) => vrf.vrfFacts(...asked),
};
