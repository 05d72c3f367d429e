/**
 * Any other `ipam.type`: an executable in CNI_PATH, run as SPEC.md, "Delegated Plugins", describes. The entry is
 * written before it runs, so a crash in between is found later, and no lock of the store is held while it runs.
 */
import type { Attachment } from "../../conf/attachment.ts";
import type { Call } from "../../conf/call.ts";
import type { DelegateIpamConfig } from "../../conf/config/config.ts";
import { code, Fault, shown } from "../../conf/fault.ts";
import type { Raw, Verb } from "../../conf/request.ts";
import { readResult } from "../../conf/result/read.ts";
import type { Result } from "../../conf/result/result.ts";
import type { Version } from "../../conf/version.ts";
import { isSameNamespace } from "../../store/namespace.ts";
import type { Ipam, Lease } from "../ipam.ts";
import { findPlugin, isInstalled } from "./find.ts";
import { faultOf, runPlugin } from "./run.ts";

export const delegate: Ipam<DelegateIpamConfig> = {
  async acquire({ call, request, config, entry, store, prepare, mayTakeOver }): Promise<Lease> {
    const { attachment, pluginPath, raw } = request;
    const path = findPlugin(config.plugin, pluginPath);
    // The lease of an earlier namespace of that name may have expired since.
    let isStale = false;
    const {
      entry: existing,
      made,
      before,
    } = store.begin(entry, (found) => {
      if (found) mayTakeOver?.(found);
      isStale = found !== undefined && !isSameNamespace(found, entry);
      return found ? "keep" : { addresses: [], reserved: [] };
    });
    const { addresses: known, delegated: answer } = existing;
    if (answer !== undefined && !isStale && !prepare) return { addresses: known, ...answer, made: false, before };
    let unprepare: ReturnType<NonNullable<typeof prepare>> | undefined;
    const run = (verb: Verb) => runDelegate(call, path, verb, raw, attachment, request.netns);
    try {
      // An interrupted ADD may have got an address, and most plugins refuse to give a second one.
      if (!made) await run("DEL");
      unprepare = prepare?.(before);
      const { ips, routes, dns } = resultOf(path, await run("ADD"), request.config.cniVersion);
      if (ips.length === 0) throw noAddress(path);
      const addresses = ips.map(({ interface: _, ...address }) => address);
      const delegated = { routes, ...(dns === undefined ? {} : { dns }) };
      store.answered(attachment, addresses, delegated);
      return { addresses, ...delegated, made: true, before };
    } catch (error) {
      const left = unprepare?.() ?? [];
      await undo(() => run("DEL"));
      if (left.length === 0) store.remove(attachment); // otherwise the entry says "adding", and DEL or GC finishes it
      throw error;
    }
  },

  async release({ attachment, ipamType, pluginPath, raw, netns }, store, call) {
    // Without an entry, no ADD here called the plugin. If it is not installed either, it has nothing to free.
    if (store === undefined && !isInstalled(ipamType, pluginPath)) return;
    await runDelegate(call, findPlugin(ipamType, pluginPath), "DEL", raw, attachment, netns);
    store?.remove(attachment);
  },

  async check({ attachment, pluginPath, raw, netns }, config, _store, _addresses, call) {
    await runDelegate(call, findPlugin(config.plugin, pluginPath), "CHECK", raw, attachment, netns);
  },

  async collect({ ipamType, pluginPath, raw }, call) {
    await runDelegate(call, findPlugin(ipamType, pluginPath), "GC", raw);
  },

  async status({ pluginPath, raw }, config, _store, _hostNetworks, call) {
    await runDelegate(call, findPlugin(config.plugin, pluginPath), "STATUS", raw);
  },
};

/** The environment of this call with another verb. A DEL that ns-net starts by itself names its attachment. */
function runDelegate(
  call: Call,
  path: string,
  verb: Verb,
  raw: Raw,
  attachment?: Attachment,
  netns?: string,
): Promise<string> {
  const ours = attachment && {
    CNI_CONTAINERID: attachment.container,
    CNI_IFNAME: attachment.ifname,
    CNI_NETNS: netns ?? "",
  };
  const environment = { ...raw.environment, ...ours, CNI_COMMAND: verb };
  return runPlugin({ call, path, environment, stdin: raw.stdin, mayBeInterrupted: verb === "ADD" });
}

/**
 * A plugin that gives no address is an error: a container without addresses has no `ipam`, and this one would be cut
 * off although its ADD succeeds.
 */
function noAddress(path: string): Fault {
  return new Fault(
    code.decode,
    `Plugin ${path} gave no address`,
    "See its own log; for a container without addresses leave ipam out",
  );
}

/** As in the Go library: `null` and no output are an empty result, and an error counts whatever the exit status is. */
function resultOf(path: string, stdout: string, version: Version): Result {
  let json: unknown;
  try {
    json = stdout.trim() === "" ? null : JSON.parse(stdout);
  } catch {
    throw new Fault(code.decode, `Cannot read the result of plugin ${path}: ${shown(stdout)}`, "It must be JSON");
  }
  const fault = faultOf(stdout);
  if (fault) throw fault;
  return readResult(json ?? {}, version, `result of ${path}`);
}

/** The first failure is reported. A failure of the undo is in the plugin's own log. */
async function undo(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch {
    // Only the first failure is reported.
  }
}
