/**
 * Watches what the rules of a namespace do with some packets: tables of our own mark them (meta nftrace), and the kernel
 * reports each rule that they meet. The tables have the owner flag, so they go with this process, however that ends.
 */

import { frames } from "../../netlink/message.ts";
import { commitBatch } from "../../netlink/nft/batch.ts";
import { hook, newChain } from "../../netlink/nft/chain.ts";
import type { Expression } from "../../netlink/nft/expr/expression.ts";
import { family } from "../../netlink/nft/message.ts";
import { listRules, newRule, type Rule } from "../../netlink/nft/rule.ts";
import type { Table } from "../../netlink/nft/table.ts";
import { newOwnedTable, type TraceMessage, traceGroup, traceIn } from "../../netlink/nft/trace.ts";
import { type NetlinkSocket, openSocketIn, protocol } from "../../netlink/socket.ts";
import { errno, isKernelError, KernelError } from "../../sys/errors.ts";
import { closeFile, netlinkSocket, receive } from "../../sys/libc.ts";
import { inNetns, type Netns } from "../../sys/netns.ts";
import { joinNetlinkGroup, setReceiveBuffer } from "../../sys/sysRare.ts";

/** Before every other chain, and after every other one. */
const priority = { first: -2_000_000_000, last: 2_000_000_000 } as const;
const bufferBytes = 64 * 1024;
/** For the messages that come between two reads. */
const waitingBytes = 4 * 2 ** 20;

/** The name of our tables. */
export const ownTable = (): string => `ns-net-live-${process.pid}`;

type Hook = keyof typeof hook;

/** Where a namespace sees a packet first. */
const entries: readonly Hook[] = ["prerouting", "output"];

export class Traced implements Disposable {
  /** Times when the kernel had more messages than the socket had room for. */
  overruns = 0;
  readonly #owner: NetlinkSocket;
  readonly #events: number;
  readonly #chains: { readonly table: Table; readonly name: string }[] = [];

  /**
   * `rules` mark packets: each ends in `meta nftrace set 1`. With `hasEnds` the kernel also reports when a packet has
   * passed all rules of a hook, and by which link it leaves, at chains without rules; and a packet that is the wanted one
   * only behind a translation of prerouting is marked as it is forwarded. Throws KernelError.
   */
  constructor(netns: Netns, rules: readonly (readonly Expression[])[], hasEnds = false) {
    this.#owner = openSocketIn(netns, protocol.netfilter);
    this.#events = inNetns<number>(netns, () => netlinkSocket(protocol.netfilter));
    try {
      setReceiveBuffer(this.#events, waitingBytes);
      joinNetlinkGroup(this.#events, traceGroup);
      this.#mark(
        family.inet,
        hasEnds ? [...entries, "forward"] : entries,
        rules,
        hasEnds ? ["input", "postrouting"] : [],
      );
      try {
        this.#mark(family.bridge, ["prerouting"], rules, hasEnds ? ["postrouting"] : []);
      } catch (error) {
        // A kernel without rules for bridges has none that could drop.
        if (!(error instanceof KernelError)) throw error;
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #mark(of: number, hooks: readonly Hook[], rules: readonly (readonly Expression[])[], ends: readonly Hook[]): void {
    const table = { family: of, name: ownTable() };
    const chain = (name: Hook, when: keyof typeof priority) =>
      newChain(table, name, { type: "filter", hook: hook[name], priority: priority[when] });
    const chains = hooks.flatMap((name) => [chain(name, "first"), ...rules.map((rule) => newRule(table, name, rule))]);
    commitBatch(this.#owner, [newOwnedTable(table), ...chains, ...ends.map((name) => chain(name, "last"))]);
    if (of === family.inet) for (const name of entries) this.#chains.push({ table, name });
  }

  /** The rules that mark, as the kernel has them now, with their counters; not those that see packets again. */
  rules(): Rule[] {
    return this.#chains.flatMap(({ table, name }) => listRules(this.#owner, table, name));
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
