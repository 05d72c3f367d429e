/**
 * Turns a runtime's call into a request, for each verb. Everything refused here is refused before anything is touched.
 */

import { familyOf } from "../ip/address.ts";
import { type CniArgs, labelsOf, readArgs } from "./args.ts";
import type { Attachment } from "./attachment.ts";
import { bridgeOf } from "./config/bridge.ts";
import defer * as chainedKeys from "./config/chainedKeys.ts";
import type { ChainKeys, IpamConfig, NetworkConfig } from "./config/config.ts";
import defer * as featureKeys from "./config/features.ts";
import { ipamOf, sourcesOf } from "./config/ipam.ts";
import defer * as links from "./config/links.ts";
import { type GivenNetwork, requestedAddresses, requestedMac } from "./config/requested.ts";
import { dnsOf } from "./config/routes.ts";
import { decodeObject, type JsonObject } from "./decode.ts";
import { type Environment, mayBeOwnNetns, readEnv, requireVersionFor } from "./env.ts";
import { badConfig, code, Fault, shown } from "./fault.ts";
import { network } from "./generated/common.js";
import { readIdentity, readName, storeFolder } from "./identity.ts";
import { absolutePath } from "./nameRules.ts";
import { isChained, isContainerLink, lastPart, ownType, type PluginType, typeCalled, typeMeant } from "./pluginType.ts";
import type { CollectRequest, DeleteRequest, Request, StatusRequest } from "./request.ts";
import defer * as read from "./result/read.ts";
import type { Result } from "./result/result.ts";
import { canonical, refuseMisspelt } from "./schema/keys.ts";
import type { Shape } from "./schema/rule.ts";
import { validated } from "./schema/validate.ts";
import defer * as unknownType from "./unknownType.ts";
import { readValidAttachments } from "./validAttachments.ts";
import { isAtLeast, isVersion, oldestVersion, type Version, versions } from "./version.ts";

/**
 * Reads ADD and CHECK, validated whole. `calledAs` is the name or path by which the plugin was called: containerd's
 * configuration for `loopback` has no type, and a delegate's has its caller's type. Throws codes 1, 2, 4, 6 and 7.
 */
export function parseRequest(env: Environment, stdin: Uint8Array, calledAs: string = ownType): Request {
  const { verb, container, ifname, netns, pluginPath } = readEnv(env);
  const { text, object } = decodeObject(stdin);
  const cniArgs = readsArgs(typeMeant(object.type, typeCalled(calledAs))) ? readArgs(env.CNI_ARGS) : {};
  requireVersionFor(verb, readVersion(object));
  refuseUnknownType(object, calledAs);
  const config = parseNetwork(object, calledAs, cniArgs);
  return {
    attachment: { network: config.name, container, ifname },
    netns,
    config,
    mayBeOwnNetns: mayBeOwnNetns(env),
    pluginPath,
    labels: labelsOf(cniArgs),
    raw: { environment: env, stdin: text },
  };
}

/** Among plugins without IPAM only the reference's tuning reads CNI_ARGS. The others never refuse any. */
function readsArgs(type: PluginType): boolean {
  return type === "tuning" || !isChained(type);
}

/** Reads DEL. Throws code 4 for an attachment that cannot exist, and the errors of readIdentity(). */
export function parseDelete(env: Environment, stdin: Uint8Array, calledAs: PluginType = ownType): DeleteRequest {
  const { container, ifname, netns, pluginPath } = readEnv(env);
  const identity = readIdentity(env, stdin, calledAs);
  const attachment: Attachment = { network: identity.network, container, ifname };
  return { ...identity, pluginPath, attachment, netns };
}

/**
 * Reads GC. Throws code 1 before version 1.1.0, the errors of readIdentity(), and code 7 for a list that cannot be
 * trusted.
 */
export function parseCollect(env: Environment, stdin: Uint8Array, calledAs: PluginType = ownType): CollectRequest {
  const { verb, pluginPath } = readEnv(env);
  const identity = readIdentity(env, stdin, calledAs);
  requireVersionFor(verb, identity.cniVersion);
  return { ...identity, pluginPath, valid: readValidAttachments(decodeObject(stdin).object) };
}

/** Reads STATUS, validated as ADD is. */
export function parseStatus(env: Environment, stdin: Uint8Array, calledAs: string = ownType): StatusRequest {
  const { verb, pluginPath } = readEnv(env);
  const { text, object } = decodeObject(stdin);
  requireVersionFor(verb, readVersion(object));
  refuseUnknownType(object, calledAs);
  return { config: parseNetwork(object, calledAs, {}), pluginPath, raw: { environment: env, stdin: text } };
}

/** Throws code 7 for an unknown type, unless the executable was installed under that name. */
function refuseUnknownType(object: JsonObject, calledAs: string): void {
  if (object.type === ownType || typeMeant(object.type, typeCalled(calledAs)) !== ownType) return;
  // canonical() finds it in any spelling.
  const { type } = canonical(object, network.shape) as JsonObject;
  if (typeMeant(type, ownType) !== type && type !== lastPart(calledAs)) throw unknownType.unknownType(type);
}

/**
 * Spelling hints are for keys that a person writes, not for args and prevResult. `ipam` is checked separately.
 * `runtimeConfig.dns` has other keys than the specification's `dns`.
 */
const writtenByHand = (): Shape => {
  const { properties } = network.shape;
  const runtimeConfig = { properties: { ...properties!.runtimeConfig!.properties, dns: {} } };
  return { properties: { ...properties, ipam: {}, runtimeConfig, args: {}, prevResult: {} } };
};

/** Types with no other plugin's keys. Elsewhere a key that looks misspelt may be another plugin's. */
const typesWithHints: readonly PluginType[] = [ownType, "bridge"];

/** Reads a configuration that is already an object. Throws codes 1, 2 and 7, and 4 for CNI_ARGS that cannot be used. */
export function parseNetwork(object: JsonObject, calledAs: string = ownType, cniArgs: CniArgs = {}): NetworkConfig {
  const cniVersion = readVersion(object);
  const { cniVersion: _, ...unversioned } = canonical(object, network.shape) as JsonObject;
  const name = readName(unversioned.name);
  const type = typeMeant(unversioned.type, typeCalled(calledAs));
  const given = validated("network", ofType(unversioned, type), "");
  if (typesWithHints.includes(type)) refuseMisspelt(given, writtenByHand(), "");
  requirePath("log", given.log);
  const prevResult = given.prevResult && prevResultOf(given.prevResult, cniVersion);
  const ipam = ipamAfter(prevResult, type, ipamOf(given, type, cniArgs), given.ipam !== undefined);
  refuseTooManyAddresses(ipam, cniVersion);
  const ipamDataDir = "rangeSets" in ipam ? ipam.hostLocalDir : undefined;
  requirePath("dataDir", given.dataDir);
  requirePath("ipam.dataDir", ipamDataDir);
  const { dns: askedDns, aliases } = given.runtimeConfig ?? {};
  const dns = dnsOf(given.dns, askedDns);
  const features = readFeatures(given, type);
  const keys = readLinkKeys(given, type);
  const mac = requestedMac(given, cniArgs) ?? keys?.mac;
  return {
    cniVersion,
    name,
    type,
    dataDir: storeFolder(given.dataDir, ipamDataDir, type),
    ...bridgeOf(given, ipam, type),
    ipam,
    dns,
    aliases: aliases?.length ? aliases : undefined,
    mac,
    // `static` has them among its addresses already, and a delegate reads the request itself.
    requestedAddresses: "rangeSets" in ipam ? requestedAddresses(given, cniArgs) : [],
    features,
    link: keys?.link,
    prevResult,
  };
}

function requirePath(key: string, path: string | undefined): void {
  if (path !== undefined && !absolutePath.allows(path)) throw badConfig(key, path, absolutePath.mustBe);
}

function prevResultOf(given: object, version: Version): Result {
  return read.readResult(given, version, "prevResult");
}

/** The keys that a delegate reads: it gets its caller's whole configuration, whose other keys may mean anything. */
const ipamKeys = ["name", "ipam", "runtimeConfig", "args", "dataDir"];

function isIpam(type: PluginType): boolean {
  return type === "host-local" || type === "static";
}

function ofIpam(object: JsonObject): JsonObject {
  return Object.fromEntries(ipamKeys.filter((key) => Object.hasOwn(object, key)).map((key) => [key, object[key]]));
}

/** The keys that this plugin reads of a configuration that it shares. */
function ofType(object: JsonObject, type: PluginType): JsonObject {
  if (isIpam(type)) return ofIpam(object);
  if (!isChained(type)) return object;
  return chainedKeys.ofChained(object, type);
}

/** Types that need addresses, and why. The others are layer 2 without them. */
const needsIpam: { readonly [T in PluginType]?: string } = {
  dummy: "a dummy interface is there for its addresses",
  ptp: "without addresses, and without {} that says so, nothing goes over the link",
  "host-local": "it says which addresses may be given",
  static: "it says what the addresses are",
};

/** An ipvlan without IPAM takes over the addresses in prevResult. */
function ipamAfter(prevResult: Result | undefined, type: PluginType, ipam: IpamConfig, isWritten: boolean): IpamConfig {
  if (ipam.type !== "none") return ipam;
  const reason = needsIpam[type];
  if (reason !== undefined && !(type === "ptp" && isWritten)) throw badConfig("ipam", undefined, `given: ${reason}`);
  if (type !== "ipvlan" || !prevResult?.ips.length) return ipam;
  const addresses = prevResult.ips.map(({ interface: _, ...address }) => address);
  return { type: "static", addresses, routes: prevResult.routes, dns: prevResult.dns };
}

function readLinkKeys(given: GivenNetwork, type: PluginType) {
  if (!isContainerLink(type) && type !== "sbr" && type !== "vrf") return undefined;
  return links.linkKeysOf(given, type);
}

const plainTypes: readonly PluginType[] = [ownType, "bridge"];

/** Few configurations have keys of chained plugins, and their reader is loaded only then. */
function readFeatures(given: GivenNetwork, type: PluginType): ChainKeys | undefined {
  if (isIpam(type) || (plainTypes.includes(type) && !hasFeatures(given, type))) return undefined;
  return featureKeys.featuresOf(given, type);
}

function hasFeatures(given: GivenNetwork, type: PluginType): boolean {
  if (type !== ownType) return false;
  const { portMappings, bandwidth } = given.runtimeConfig ?? {};
  if (portMappings?.length || bandwidth) return true;
  for (const key in given) if (network.shape.properties![key] === undefined && key !== "capabilities") return true;
  return false;
}

/** A configuration without a version has the oldest one. Throws code 1. */
function readVersion(object: JsonObject): Version {
  // Nearly all programs spell it so; canonical() finds it in any spelling.
  const { cniVersion = "" } =
    typeof object.cniVersion === "string" ? object : (canonical(object, network.shape) as JsonObject);
  if (cniVersion === "") return oldestVersion;
  if (isVersion(cniVersion)) return cniVersion;
  throw new Fault(
    code.version,
    `Cannot use cniVersion = ${shown(cniVersion)}`,
    `cniVersion must be one of ${versions.join(", ")}`,
  );
}

/** Results before 0.3.0 have one address a family. */
function refuseTooManyAddresses(ipam: IpamConfig, version: Version): void {
  if (isAtLeast(version, "0.3.0")) return;
  const sources = sourcesOf(ipam);
  const ipv6Count = sources.filter((text) => familyOf(text) === 6).length;
  if (ipv6Count > 1 || sources.length - ipv6Count > 1) {
    throw badConfig(
      "ipam",
      sources,
      `at most one address of a family with cniVersion ${version}; 0.3.0 and later allow more`,
    );
  }
}
