/**
 * Removes unowned rules, and a network's shared objects once no attachment uses them. Runs inside the store's write
 * transaction: an ADD writes its entry before it reads the kernel, so an earlier ADD keeps the shared objects and a later
 * one recreates them.
 */
import type { CollectRequest } from "../../conf/request.ts";
import { isOfOthers } from "../../ipam/hostLocal/adopted.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { isOurGroup, masqueradeChainPrefix } from "../../kernel/ownership.ts";
import { commitBatch } from "../../netlink/nft/batch.ts";
import { deleteChain, listChains } from "../../netlink/nft/chain.ts";
import { flushChain } from "../../netlink/nft/rule.ts";
import { hasTable } from "../../netlink/nft/table.ts";
import { type Link, listLinks } from "../../netlink/route/link.ts";
import { collect } from "../../step/index.ts";
import { table } from "../../step/nft/table.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { Attempts } from "../attempts.ts";
import { openOrCreate } from "../recovery/openStore.ts";
import { idleBridges, removeBridges } from "./bridges.ts";
import { removeIdlePolicies } from "./ingressPolicies.ts";
import { removeTables } from "./tables.ts";

interface Look {
  readonly request: CollectRequest;
  readonly kernel: Kernel;
  readonly store: Store | undefined;
  /** Names of the links that stay. */
  readonly kept: ReadonlySet<string>;
  /** Those among them that have no rules of ours: other plugins made them, and no entry says so yet. */
  readonly others: readonly string[];
  /** Links that GC has removed, or in a dry run would have. */
  readonly gone: readonly Link[];
}

export interface Unused {
  readonly chains: readonly string[];
  readonly bridges: readonly string[];
  /** Errors of the parts that could not be removed. */
  readonly errors: readonly Error[];
}

/** For a dry run. */
export function findUnused({ request, kernel, store, kept, others, gone }: Look): Unused {
  if (withoutOthers(kept, others, store?.entries(request.network) ?? []).size > 0)
    return { chains: [], bridges: [], errors: [] };
  const bridges = kept.size > 0 ? [] : idleBridges(request, kernel, store, gone).map(({ name = "" }) => name);
  return { chains: masqueradeChains(request.network, kernel), bridges, errors: [] };
}

export function removeUnused(look: Look): Unused {
  using made = look.store ? undefined : storeWhereNeeded(look);
  const store = look.store ?? made;
  return store ? store.exclusively(() => removeNow({ ...look, store })) : removeNow(look);
}

/**
 * Creates the store if there is none and something to remove, because an ADD may be about to create it. A store that
 * cannot be used keeps every ADD from beginning, too: then undefined.
 */
function storeWhereNeeded({ request: { dataDir, network }, kernel }: Look): Store | undefined {
  const isOurs = ({ group = 0 }: Link) => isOurGroup(group);
  if (!hasTable(kernel.netfilter, table) && !listLinks(kernel.route("host")).some(isOurs)) return undefined;
  try {
    return openOrCreate({ dataDir, network }, kernel);
  } catch {
    return undefined;
  }
}

function removeNow({ request, kernel, store, kept: keptBefore, others, gone }: Look): Unused {
  const { network } = request;
  const attempts = new Attempts();
  const kept = new Set(keptBefore);
  const entries = store?.entries(network) ?? [];
  for (const { hostLink } of entries) kept.add(hostLink);
  attempts.try(undefined, () => collect({ kind: "network", name: network }, kept, kernel));
  const hasOwn = withoutOthers(kept, others, entries).size > 0;
  const chains = !hasOwn ? attempts.try([], () => removeChains(network, kernel)) : [];
  attempts.try(undefined, () => removeIdlePolicies(store, gone, kernel));
  const bridges = kept.size === 0 ? attempts.try([], () => removeBridges(request, kernel, store, gone)) : [];
  if (!hasOwn) attempts.try(undefined, () => removeTables(store, kernel));
  return { chains, bridges, errors: attempts.errors };
}

/** The links that stay and may need rules of ours. */
function withoutOthers(kept: ReadonlySet<string>, others: readonly string[], entries: readonly Entry[]): Set<string> {
  const own = new Set(kept);
  for (const name of others) own.delete(name);
  for (const entry of entries) if (isOfOthers(entry)) own.delete(entry.hostLink);
  return own;
}

function masqueradeChains(network: string, kernel: Kernel): string[] {
  if (!hasTable(kernel.netfilter, table)) return [];
  const names = listChains(kernel.netfilter, table).map(({ name }) => name ?? "");
  return names.filter((name) => name.startsWith(masqueradeChainPrefix(network)));
}

function removeChains(network: string, kernel: Kernel): string[] {
  const chains = masqueradeChains(network, kernel);
  const messages = chains.flatMap((name) => [flushChain(table, name), deleteChain(table, name)]);
  if (messages.length > 0) tolerating(() => commitBatch(kernel.netfilter, messages), errno.ENOENT);
  return chains;
}
