/**
 * The floor: what the kernel itself takes for the effect of an ADD and a DEL, requests in a loop inside one process.
 * No configuration, no store, no process start. Filled in with the requests of netlink/ when they are there.
 */
export interface Floor {
  readonly addMs: number;
  readonly delMs: number;
}

/** Undefined until there is something to call. `pods` ports are on the bridge already. */
export function floor(_runs: number): Floor | undefined {
  return undefined;
}
