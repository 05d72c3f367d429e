/** One ADD: what is asked, by whom, and the kernel that it is done in. */
import type { Call } from "../../conf/call.ts";
import type { Request } from "../../conf/request.ts";
import type { Kernel } from "../../kernel/kernel.ts";

export interface Asked {
  readonly request: Request;
  readonly call: Call;
  readonly kernel: Kernel;
}
