/** The facts that a supervisor has of its running lab, beside the file: for pictures and for the live page. */
import type { PodStatus } from "../supervisor/answers.ts";
import type { Kept } from "../supervisor/lastResults.ts";
import type { Pair } from "../tests/everyPair.ts";
import type { TestResult } from "../tests/run.ts";
import type { HostLinkNow, InterfaceNow } from "../world/linksNow.ts";

export interface Live {
  readonly pods: readonly PodStatus[];
  readonly interfaces: readonly InterfaceNow[];
  readonly hostLinks: readonly HostLinkNow[];
  /** The last run of each; null if there was none since the lab is as it is. */
  readonly tests: Kept<TestResult> | null;
  readonly pings: Kept<Pair> | null;
}
