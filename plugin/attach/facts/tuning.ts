/** Facts for `tuning`: the settings before it, which its DEL restores. */
import type { Request } from "../../../conf/request.ts";
import type { Result } from "../../../conf/result/result.ts";
import type { Kernel } from "../../../kernel/kernel.ts";
import { sysctlSteps, tunedTo } from "../../../plan/chained/tuning.ts";
import type { TuningFacts } from "../../../plan/facts.ts";
import { tunablesOf } from "../../../step/link/tuning.ts";
import { refuseForbidden } from "../../preflight/sysctlAllowList.ts";

/** Throws Fault for a setting that the host's administrator does not allow. */
export function tuningFacts({ attachment: { ifname }, config }: Request, _prev: Result, kernel: Kernel): TuningFacts {
  const features = config.features!;
  const sysctls: Record<string, string | undefined> = {};
  if (Object.keys(features.sysctl).length > 0) refuseForbidden(features);
  for (const { path } of sysctlSteps(features, ifname)) sysctls[path] = kernel.readSysctl("container", path);
  const isTuned = Object.keys(tunedTo(config)).length > 0;
  return { sysctls, tunables: isTuned ? tunablesOf(kernel, ifname) : undefined };
}
