/** Gives memory back once there is nothing to do: an agent is idle most of its life. */
const quietMs = 2000;

let timer: ReturnType<typeof setTimeout> | undefined;

/** To be called after work. */
export function collectWhenIdle(): void {
  clearTimeout(timer);
  timer = setTimeout(() => Bun.gc(true), quietMs);
}
