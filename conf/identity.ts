/**
 * The part of a configuration that DEL and GC read. They must succeed with any configuration, because a runtime stops
 * at an error of DEL and leaks the rest. So a missing or odd key takes its default.
 */
import { defaultBridge } from "./config/bridge.ts";
import { ipamKind } from "./config/ipam.ts";
import { decodeObject, isObject, type JsonObject } from "./decode.ts";
import type { Environment } from "./env.ts";
import { badConfig } from "./fault.ts";
import { network, storeIpam } from "./generated/common.js";
import { absolutePath, interfaceName, networkName, pluginName } from "./nameRules.ts";
import { ownType, type PluginType, typeMeant } from "./pluginType.ts";
import type { Identity } from "./request.ts";
import { canonical } from "./schema/keys.ts";
import { isVersion, newestVersion, oldestVersion, type Version } from "./version.ts";

export const defaultDataDir = "/var/lib/ns-net";

/**
 * The folder of the store: `dataDir`, or else `ipam.dataDir`, which users of host-local know. In a configuration of
 * `tuning`, a `dataDir` below /run/cni is where the reference keeps what its DEL restores, and is ignored.
 */
export function storeFolder(written: string | undefined, ipamDataDir: string | undefined, type: PluginType): string {
  const isOthers = written !== undefined && type === "tuning" && isBelowRunCni(`${written}/`);
  const folder = (isOthers ? undefined : written) ?? ipamDataDir ?? defaultDataDir;
  return folder.startsWith("/var/run/") ? folder.slice("/var".length) : folder; // /var/run is a symbolic link by the FHS, and the store follows none
}

/** The `dataDir` of an `ipam` whose leases are in our store; undefined for another plugin's. */
export function ipamFolder(ipam: unknown): string | undefined {
  if (!isObject(ipam)) return undefined;
  const { type, dataDir } = ipam;
  return (type === "host-local" || type === ownType) && typeof dataDir === "string" ? dataDir : undefined;
}

function isBelowRunCni(path: string): boolean {
  return path.startsWith("/run/cni/") || path.startsWith("/var/run/cni/");
}

/**
 * Throws code 6 for input that is no JSON object, and code 7 without a network's name. ADD refuses both, so nothing can
 * exist that DEL would leave.
 */
export function readIdentity(env: Environment, stdin: Uint8Array, calledAs: PluginType): Omit<Identity, "pluginPath"> {
  const { text, object } = decodeObject(stdin);
  const { dataDir, bridge, ipam, type, cniVersion, ...rest } = canonical(object, network.shape) as JsonObject;
  const isName = (value: unknown): value is string => typeof value === "string" && interfaceName.allows(value);
  const isPath = (value: unknown): value is string => typeof value === "string" && absolutePath.allows(value);
  const meant = typeMeant(type, calledAs);
  const ofIpam = ipamFolder(canonical(ipam, storeIpam.shape));
  return {
    type: meant,
    network: readName(rest.name),
    cniVersion: tolerantVersion(cniVersion),
    dataDir: storeFolder(isPath(dataDir) ? dataDir : undefined, isPath(ofIpam) ? ofIpam : undefined, meant),
    bridge: isName(bridge) ? bridge : defaultBridge,
    ipamType: tolerantIpamKind(ipam, meant),
    raw: { environment: env, stdin: text },
  };
}

/** Throws code 7. */
export function readName(name: unknown): string {
  if (typeof name === "string" && networkName.allows(name)) return name;
  throw badConfig("name", name, networkName.mustBe);
}

function tolerantVersion(cniVersion: unknown): Version {
  if (cniVersion === undefined || cniVersion === "") return oldestVersion;
  return isVersion(cniVersion) ? cniVersion : newestVersion;
}

/**
 * For an `ipam` that makes no sense this answers our own kind: only the store can have leases then, and having none is
 * no error.
 */
function tolerantIpamKind(ipam: unknown, pluginType: PluginType): string {
  if (ipam !== undefined && !isObject(ipam)) return ownType;
  const { type, ...rest } = (ipam ?? {}) as JsonObject;
  if (ipam === undefined || (!type && Object.keys(rest).length === 0)) return ipamKind(ipam, pluginType);
  return typeof type === "string" && pluginName.allows(type) ? type : ownType;
}
