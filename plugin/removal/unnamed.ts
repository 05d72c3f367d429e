/**
 * DEL of a configuration that names no network: empty, garbage, or too long. A runtime sends the bytes of the ADD that
 * was refused, and stops at an error. The environment names container and interface: DEL removes all that the store, the
 * aliases of the host's links and those of the container's interfaces have under these names.
 */
import type { Attachment } from "../../conf/attachment.ts";
import type { Call } from "../../conf/call.ts";
import { isObject, type JsonObject } from "../../conf/decode.ts";
import { readEnv } from "../../conf/env.ts";
import { code, Fault } from "../../conf/fault.ts";
import { ipamFolder, storeFolder } from "../../conf/identity.ts";
import { absolutePath, networkName } from "../../conf/nameRules.ts";
import { type PluginType, typeMeant } from "../../conf/pluginType.ts";
import { newestVersion } from "../../conf/version.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { openIfPresent } from "../../kernel/namespace.ts";
import { attachmentOfContainerAlias, attachmentOfHostAlias } from "../../kernel/ownership.ts";
import { listLinks } from "../../netlink/route/link.ts";
import { StoreNewer } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";
import { throwTogether } from "../faults.ts";
import { openExisting } from "../recovery/openStore.ts";

/** Does the DEL of one network, given a configuration that names it. */
type DeleteOne = (stdin: Uint8Array) => unknown;

/** `error` is why the configuration could not be used; rethrown if that is not the configuration's fault. */
export async function deleteUnnamed(
  error: unknown,
  call: Call,
  calledAs: PluginType,
  deleteOne: DeleteOne,
): Promise<void> {
  if (!(error instanceof Fault) || (error.code !== code.decode && error.code !== code.config)) throw error;
  const given = objectIn(call.stdin);
  const errors: Error[] = [];
  const attached = named(given) ?? attachedOn(call, given, typeMeant(given["type"], calledAs));
  const found = attached.size === 0 ? "nothing" : `what is attached on ${[...attached.keys()].join(", ")}`;
  call.stderr(`ns-net: ${error.message}; DEL removes ${found}\n`);
  for (const [network, type] of attached) {
    try {
      await deleteOne(new TextEncoder().encode(JSON.stringify(identityOf(given, network, type))));
    } catch (failure) {
      errors.push(failure as Error);
    }
  }
  throwTogether(errors);
}

function objectIn(stdin: Uint8Array): JsonObject {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(stdin));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** Type of plugin by network; undefined: not known. */
type Attached = ReadonlyMap<string, unknown>;

function named({ name, type }: JsonObject): Attached | undefined {
  return typeof name === "string" && networkName.allows(name) ? new Map([[name, type]]) : undefined;
}

/** The keys that DEL reads; the rest may be long. */
function identityOf({ dataDir, bridge, ipam }: JsonObject, name: string, type: unknown): object {
  return { cniVersion: newestVersion, name, type, dataDir, bridge, ...(isObject(ipam) && { ipam }) };
}

function attachedOn(call: Call, { dataDir, ipam, type: written }: JsonObject, type: PluginType): Attached {
  if (type === "loopback") return new Map([["any", written]]); // it belongs to no network
  const { container, ifname, netns } = readEnv(call.env);
  using kernel = openKernel({ host: call.namespace, stderr: call.stderr });
  const isIt = (one: Attachment) => one.container === container && one.ifname === ifname;
  const [own, ofIpam] = [dataDir, ipamFolder(ipam)].map((path) =>
    typeof path === "string" && absolutePath.allows(path) ? path : undefined,
  );
  const inStore = openedStore(storeFolder(own, ofIpam, type), kernel)?.networksOf(container, ifname) ?? [];
  const onHost = attachedOnHost(kernel).filter(isIt);
  const inside = attachedInside(netns, kernel).filter(isIt);
  return new Map([
    ...[...inStore, ...onHost.map(({ network }) => network)].map((network) => [network, written] as const),
    // For any type whose interface exists only in the container, DEL finds it by its marks.
    ...inside.map(({ network }) => [network, written ?? "macvlan"] as const),
  ]);
}

function openedStore(dataDir: string, kernel: Kernel): Store | undefined {
  try {
    return openExisting({ dataDir }, kernel);
  } catch (error) {
    if (error instanceof StoreNewer) return undefined;
    throw error;
  }
}

function attachedOnHost(kernel: Kernel) {
  return listLinks(kernel.route("host")).flatMap(
    ({ alias = "", group = 0 }) => attachmentOfHostAlias(alias, group) ?? [],
  );
}

function attachedInside(path: string, host: Kernel) {
  const netns = openIfPresent(path);
  if (netns === undefined) return [];
  using kernel = host.withContainer(netns);
  return listLinks(kernel.route("container")).flatMap(
    ({ alias = "", name = "", group = 0 }) => attachmentOfContainerAlias(alias, name, group) ?? [],
  );
}
