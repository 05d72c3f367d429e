/**
 * A process that serves several calls at a time must not wait for one of them: the others would wait, too. An executable
 * that serves one call does not install this, so nothing here changes what it does.
 */

/** The calls of such a process. */
export interface SharedProcess {
  /** The call that runs now. */
  currentCall(): string;
  isActive(call: string): boolean;
  /** The network namespace that the current call's caller opened at this path; undefined if it opened another path. */
  namespaceAt(path: string): number | undefined;
  /** Notes that the current call cannot go on. `isBrief`: it can, a moment later. */
  onWouldBlock(work: string, isBrief: boolean): void;
}

let shared: SharedProcess | undefined;
let onlyCall = "";

/** From now on, calls of this process exclude each other as processes do, and work that may block is refused. */
export function shareProcess(process: SharedProcess): void {
  shared = process;
}

export const isShared = (): boolean => shared !== undefined;

/** Names the call of a process that serves one: it may continue what another process began under this name. */
export function serveOnly(call: string): void {
  onlyCall = call;
}

/** The call that runs now; "" for a process that serves one without a name. */
export const currentCall = (): string => shared?.currentCall() ?? onlyCall;

/** True if another call of this process is at work under that name. */
export const isActiveHere = (call: string): boolean => shared?.isActive(call) ?? false;

export const passedNamespace = (path: string): number | undefined => shared?.namespaceAt(path);

/** The call must be finished later, or by a process of its own, which may wait. All that it did so far stays. */
export class WouldBlock extends Error {
  constructor(work: string) {
    super(`A process that serves several calls cannot ${work}: a process of its own must`);
    this.name = "WouldBlock";
  }
}

/**
 * To be called before `work` that may take long, in words that follow "cannot". Throws WouldBlock in a shared process.
 * `isBrief`: the call can be done here if it is begun again a moment later.
 */
export function mayBlock(work: string, isBrief = false): void {
  if (shared === undefined) return;
  shared.onWouldBlock(work, isBrief);
  throw new WouldBlock(work);
}
