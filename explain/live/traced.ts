/**
 * Watches what the rules of a namespace do with some packets: tables of our own mark them (meta nftrace), and the kernel
 * reports each rule that they meet. The tables have the owner flag, so they go with this process, however that ends.
 */

import { frames } from "../../netlink/message.ts";
import { commitBatch } from "../../netlink/nft/batch.ts";
import { hook, newChain } from "../../netlink/nft/chain.ts";
import type { Expression } from "../../netlink/nft/expr/expression.ts";
import { family } from "../../netlink/nft/message.ts";
import { newRule } from "../../netlink/nft/rule.ts";
import { newOwnedTable, type TraceMessage, traceGroup, traceIn } from "../../netlink/nft/trace.ts";
import { type NetlinkSocket, openSocketIn, protocol } from "../../netlink/socket.ts";
import { errno, isKernelError, KernelError } from "../../sys/errors.ts";
import { closeFile, netlinkSocket, receive } from "../../sys/libc.ts";
import { inNetns, type Netns } from "../../sys/netns.ts";
import { joinNetlinkGroup, setReceiveBuffer } from "../../sys/sysRare.ts";

/** Before every other chain. */
const priority = -2_000_000_000;
const bufferBytes = 64 * 1024;
/** For the messages that come between two reads. */
const waitingBytes = 4 * 2 ** 20;

/** The start of the names of our tables. */
export const tablePrefix = "ns-net-live-";

export class Traced implements Disposable {
  /** Times when the kernel had more messages than the socket had room for. */
  overruns = 0;
  readonly #owner: NetlinkSocket;
  readonly #events: number;

  /** `rules` mark packets: each ends in `meta nftrace set 1`. Throws KernelError. */
  constructor(netns: Netns, rules: readonly (readonly Expression[])[]) {
    this.#owner = openSocketIn(netns, protocol.netfilter);
    this.#events = inNetns<number>(netns, () => netlinkSocket(protocol.netfilter));
    try {
      setReceiveBuffer(this.#events, waitingBytes);
      joinNetlinkGroup(this.#events, traceGroup);
      this.#mark(family.inet, ["prerouting", "output"], rules);
      try {
        this.#mark(family.bridge, ["prerouting"], rules);
      } catch (error) {
        // A kernel without rules for bridges has none that could drop.
        if (!(error instanceof KernelError)) throw error;
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #mark(of: number, hooks: readonly (keyof typeof hook)[], rules: readonly (readonly Expression[])[]): void {
    const table = { family: of, name: `${tablePrefix}${process.pid}` };
    const chains = hooks.flatMap((name) => [
      newChain(table, name, { type: "filter", hook: hook[name], priority }),
      ...rules.map((rule) => newRule(table, name, rule)),
    ]);
    commitBatch(this.#owner, [newOwnedTable(table), ...chains]);
  }

  /** Readable once there are messages. */
  get descriptor(): number {
    return this.#events;
  }

  /** The messages since the last call. */
  read(): TraceMessage[] {
    const found: TraceMessage[] = [];
    const buffer = new Uint8Array(bufferBytes);
    for (;;) {
      const length = this.#receive(buffer);
      if (length === undefined) return found;
      for (const frame of frames(buffer.slice(0, length))) {
        const message = traceIn(frame);
        if (message !== undefined) found.push(message);
      }
    }
  }

  #receive(buffer: Uint8Array): number | undefined {
    for (;;) {
      try {
        return receive(this.#events, buffer);
      } catch (error) {
        if (!isKernelError(error, errno.ENOBUFS)) throw error;
        this.overruns++;
      }
    }
  }

  close(): void {
    closeFile(this.#events);
    this.#owner.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
