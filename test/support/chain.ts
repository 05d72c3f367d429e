/** The usual chain of plugins, driven as libcni does: ADD in order with the result passed on, DEL from the end. */
import { join } from "node:path";
import type { CallOptions, World } from "./world.ts";

export interface Link {
  readonly type: string;
  /** Where its executable is. */
  readonly folder: string;
  readonly keys?: object;
}

export interface Chain {
  readonly name: string;
  readonly links: readonly Link[];
}

/** The reference's plugins start iptables. */
const environment = { PATH: process.env.PATH! };

function call(world: World, verb: "ADD" | "DEL" | "CHECK", chain: Chain, link: Link, more: object, at: CallOptions) {
  const config = { cniVersion: "1.0.0", name: chain.name, dataDir: world.dataDir, type: link.type };
  const plugin = join(link.folder, link.type);
  return world.must(
    verb,
    { ...config, ...link.keys, ...more },
    { ...at, plugin, pluginPath: link.folder, environment },
  );
}

/** The last plugin's result. */
export function addAll(world: World, chain: Chain, at: CallOptions): object {
  let prevResult: object | undefined;
  for (const link of chain.links)
    prevResult = call(world, "ADD", chain, link, { ...(prevResult && { prevResult }) }, at);
  return prevResult!;
}

export function checkAll(world: World, chain: Chain, at: CallOptions, prevResult: object): void {
  for (const link of chain.links) call(world, "CHECK", chain, link, { prevResult }, at);
}

export function delAll(world: World, chain: Chain, at: CallOptions, prevResult?: object): void {
  for (const link of [...chain.links].reverse()) {
    call(world, "DEL", chain, link, { ...(prevResult && { prevResult }) }, at);
  }
}
