/**
 * The runtime's side of CNI, as in libcni (github.com/containernetworking/cni/libcni/api.go): runs lists of plugins.
 * Each gets the list's name and version, the result of the one before, and the runtime's values for its declared
 * capabilities. The last result is kept for CHECK and DEL; DEL runs from the end of the list.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Verb } from "../../conf/request.ts";
import { type Answer, type Call, startPlugin } from "./plugin.ts";

export interface ListedPlugin {
  readonly type: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
  readonly [key: string]: unknown;
}

/** The content of a `.conflist`. */
export interface NetworkList {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly ListedPlugin[];
  readonly disableCheck?: boolean;
  readonly disableGC?: boolean;
}

export interface Container extends Pick<Call, "netns" | "args"> {
  readonly container: string;
  readonly ifname?: string;
  /** Values for plugins that declare the capability of the same name. */
  readonly capabilityArgs?: Readonly<Record<string, unknown>>;
}

export interface Runtime {
  readonly host?: Call["host"];
  /** The executable of a type. */
  pluginOf(type: string): string;
  /** CNI_PATH, for delegates. */
  readonly pluginPath: string;
  /** The folder of results: libcni's own is /var/lib/cni. */
  readonly cacheDir: string;
}

export class PluginFailed extends Error {
  readonly answer: Answer;

  constructor(verb: Verb, type: string, answer: Answer) {
    super(`${verb} by ${type} failed (${answer.code}): ${answer.stdout}${answer.stderr}`);
    this.answer = answer;
  }
}

/** "0.3.1" < "0.4.0". libcni distinguishes by these two and by 1.1.0. */
function isBefore(version: string, other: string): boolean {
  return version.localeCompare(other, undefined, { numeric: true }) < 0;
}

const cacheFile = ({ cacheDir }: Runtime, { name }: NetworkList, { container, ifname = "eth0" }: Container) =>
  join(cacheDir, "results", `${name}-${container}-${ifname}`);

/** The configuration of one plugin, as it gets it. */
function configurationOf(list: NetworkList, plugin: ListedPlugin, at: Container | undefined, more: object): object {
  const wanted = Object.entries(at?.capabilityArgs ?? {}).filter(([name]) => plugin.capabilities?.[name]);
  const runtimeConfig = wanted.length === 0 ? {} : { runtimeConfig: Object.fromEntries(wanted) };
  return { ...plugin, name: list.name, cniVersion: list.cniVersion, ...runtimeConfig, ...more };
}

async function execute(
  runtime: Runtime,
  verb: Verb,
  list: NetworkList,
  plugin: ListedPlugin,
  at?: Container,
  more = {},
) {
  const { capabilityArgs: _, ...call } = at ?? {};
  const answer = await startPlugin({
    ...call,
    command: verb,
    plugin: runtime.pluginOf(plugin.type),
    ...(runtime.host && { host: runtime.host }),
    config: configurationOf(list, plugin, at, more),
    pluginPath: runtime.pluginPath,
    environment: { PATH: process.env.PATH! }, // the reference's plugins start iptables
  }).answer;
  if (answer.code !== 0) throw new PluginFailed(verb, plugin.type, answer);
  return answer.json as object | undefined;
}

/** The last plugin's result. After a failed ADD the caller sends DEL. */
export async function addList(runtime: Runtime, list: NetworkList, at: Container): Promise<object> {
  let result: object | undefined;
  for (const plugin of list.plugins) {
    result = await execute(runtime, "ADD", list, plugin, at, result && { prevResult: result });
  }
  const file = cacheFile(runtime, list, at);
  mkdirSync(join(file, ".."), { recursive: true, mode: 0o700 });
  const { container, ifname = "eth0", netns, args = "", capabilityArgs = {} } = at;
  const cached = {
    ...{ kind: "cniCacheV1", containerId: container, config: Buffer.from(JSON.stringify(list)).toString("base64") },
    ...{ ifName: ifname, networkName: list.name, netns: typeof netns === "object" ? netns.path : netns },
    ...{ cniArgs: args, capabilityArgs, result },
  };
  writeFileSync(file, JSON.stringify(cached), { mode: 0o600 });
  return result!;
}

/** The kept result; undefined without a readable one. */
function keptResult(file: string): object | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")).result;
  } catch {
    return undefined;
  }
}

export async function checkList(runtime: Runtime, list: NetworkList, at: Container): Promise<void> {
  if (isBefore(list.cniVersion, "0.4.0")) throw new Error(`CHECK is not for cniVersion ${list.cniVersion}`);
  if (list.disableCheck) return;
  const prevResult = keptResult(cacheFile(runtime, list, at));
  if (prevResult === undefined) throw new Error("CHECK needs the result that ADD left");
  for (const plugin of list.plugins) await execute(runtime, "CHECK", list, plugin, at, { prevResult });
}

/** Stops at the first error, as libcni does, and keeps the result for the next try. */
export async function delList(runtime: Runtime, list: NetworkList, at: Container): Promise<void> {
  const file = cacheFile(runtime, list, at);
  const prevResult = isBefore(list.cniVersion, "0.4.0") ? undefined : keptResult(file);
  for (const plugin of [...list.plugins].reverse()) {
    await execute(runtime, "DEL", list, plugin, at, prevResult && { prevResult });
  }
  rmSync(file, { force: true });
}

interface Kept {
  readonly networkName: string;
  readonly containerId: string;
  readonly ifName: string;
  readonly netns?: string;
}

function keptOf({ cacheDir }: Runtime, { name }: NetworkList): Kept[] {
  const folder = join(cacheDir, "results");
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return files
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Kept)
    .filter(({ networkName }) => networkName === name);
}

/**
 * DEL for every kept attachment that is not valid, then GC to all plugins, also after errors; throws the errors
 * together.
 */
export async function gcList(runtime: Runtime, list: NetworkList, valid: readonly Container[]): Promise<void> {
  if (list.disableGC) return;
  const attachments = valid.map(({ container, ifname = "eth0" }) => ({ containerID: container, ifname }));
  const errors: unknown[] = [];
  const tried = (work: Promise<unknown>) => work.catch((error) => errors.push(error));
  for (const { containerId, ifName, netns } of keptOf(runtime, list)) {
    if (attachments.some(({ containerID, ifname }) => containerID === containerId && ifname === ifName)) continue;
    await tried(delList(runtime, list, { container: containerId, ifname: ifName, ...(netns && { netns }) }));
  }
  if (!isBefore(list.cniVersion, "1.1.0")) {
    // Both names: libcni before 1.2.3 had only the second.
    const more = { "cni.dev/valid-attachments": attachments, "cni.dev/attachments": attachments };
    for (const plugin of list.plugins) await tried(execute(runtime, "GC", list, plugin, undefined, more));
  }
  if (errors.length > 0) throw new AggregateError(errors);
}

/** Throws the first plugin's error. Before version 1.1.0 it calls no plugin. */
export async function statusList(runtime: Runtime, list: NetworkList): Promise<void> {
  if (isBefore(list.cniVersion, "1.1.0")) return;
  for (const plugin of list.plugins) await execute(runtime, "STATUS", list, plugin);
}
