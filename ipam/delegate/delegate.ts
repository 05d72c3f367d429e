/**
 * Any other `ipam.type`: an executable in CNI_PATH, run as SPEC.md, "Delegated Plugins", says. The entry is
 * written before it runs, so that a crash in between is found, and no lock of the store is held while it runs.
 */
import type { Attachment } from "../../conf/attachment.ts";
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
  async acquire({ request, config, entry, store, prepare, mayTakeOver }): Promise<Lease> {
    const { attachment, pluginPath, raw } = request;
    const path = findPlugin(config.plugin, pluginPath);
    // What was answered for an earlier namespace of that name may have run out since.
    let isStale = false;
    const {
      entry: standing,
      made,
      before,
    } = store.begin(entry, (found) => {
      if (found) mayTakeOver?.(found);
      isStale = found !== undefined && !isSameNamespace(found, entry);
      return found ? "keep" : { addresses: [], reserved: [] };
    });
    const { addresses: known, delegated: answer } = standing;
    if (answer !== undefined && !isStale && !prepare) return { addresses: known, ...answer, made: false, before };
    let unprepare: (() => void) | undefined;
    const run = (verb: Verb) => call(path, verb, raw, attachment, request.netns);
    try {
      // An ADD that was interrupted may have got an address; most plugins refuse to give a second one.
      if (!made) await run("DEL");
      unprepare = prepare?.(before);
      const { ips, routes, dns } = resultOf(path, await run("ADD"), request.config.cniVersion);
      if (ips.length === 0) throw noAddress(path);
      const addresses = ips.map(({ interface: _, ...address }) => address);
      const delegated = { routes, ...(dns === undefined ? {} : { dns }) };
      store.answered(attachment, addresses, delegated);
      return { addresses, ...delegated, made: true, before };
    } catch (error) {
      unprepare?.();
      await undo(() => run("DEL"));
      store.remove(attachment);
      throw error;
    }
  },

  async release({ attachment, ipamType, pluginPath, raw, netns }, store) {
    // Of what has no entry an ADD here never asked anybody; a plugin that is not there either has nothing to free.
    if (store === undefined && !isInstalled(ipamType, pluginPath)) return;
    await call(findPlugin(ipamType, pluginPath), "DEL", raw, attachment, netns);
    store?.remove(attachment);
  },

  async check({ attachment, pluginPath, raw, netns }, config) {
    await call(findPlugin(config.plugin, pluginPath), "CHECK", raw, attachment, netns);
  },

  async collect({ ipamType, pluginPath, raw }) {
    await call(findPlugin(ipamType, pluginPath), "GC", raw);
  },

  async status({ pluginPath, raw }, config) {
    await call(findPlugin(config.plugin, pluginPath), "STATUS", raw);
  },
};

/** The environment as it came, but for the verb; a DEL that we start by ourselves names the attachment it is for. */
function call(path: string, verb: Verb, raw: Raw, attachment?: Attachment, netns?: string): Promise<string> {
  const ours = attachment && {
    CNI_CONTAINERID: attachment.container,
    CNI_IFNAME: attachment.ifname,
    CNI_NETNS: netns ?? "",
  };
  const environment = { ...raw.environment, ...ours, CNI_COMMAND: verb };
  return runPlugin({ path, environment, stdin: raw.stdin, mayBeInterrupted: verb === "ADD" });
}

/** Who wants none leaves ipam out; without one the container would be cut off, and its ADD a success. */
function noAddress(path: string): Fault {
  return new Fault(
    code.decode,
    `Plugin ${path} gave no address`,
    "See its own log; for a container without addresses leave ipam out",
  );
}

/** The Go library takes `null` and no output at all for an empty result, and an error for one whatever the exit status. */
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

/** The first failure is the one to tell; what fails while undoing it stays in the plugin's own log. */
async function undo(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch {
    // See above.
  }
}
