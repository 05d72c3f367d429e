/** One ADD: the request, the call that it came with, and the kernel to change. */
import type { Call } from "../../conf/call.ts";
import type { Request } from "../../conf/request.ts";
import type { Kernel } from "../../kernel/kernel.ts";

export interface Asked {
  readonly request: Request;
  readonly call: Call;
  readonly kernel: Kernel;
  /** Subnets that a network which names none must not be given, besides those that the kernel and the store know. */
  readonly reservedSubnets?: (() => readonly string[]) | undefined;
}
