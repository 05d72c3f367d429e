/**
 * Finds keys in any spelling. Go reads JSON keys regardless of case, so its users write `CNIVersion`, and containerd
 * sends `HostPort` for `hostPort`. null means "left out" in Go.
 */
import { isObject, type JsonObject } from "../decode.ts";
import { code, Fault, shown } from "../fault.ts";
import defer * as nearest from "../nearest.ts";
import type { Shape } from "./rule.ts";

/**
 * A copy in which the keys of `shape` have its spelling. An exact spelling goes before others. Unknown keys are kept.
 */
export function canonical(value: unknown, shape: Shape): unknown {
  if (Array.isArray(value) && shape.items !== undefined) {
    const items: unknown[] = [];
    for (const item of value) items.push(canonical(item, shape.items));
    return items;
  }
  if (!isObject(value) || shape.properties === undefined) return value;
  const result: Record<string, unknown> = {};
  for (const written in value) {
    const item = value[written];
    const key = spelt(written, shape.properties);
    if (key !== undefined) {
      const isMeant = key === written || !Object.hasOwn(value, key);
      if (item !== null && isMeant) result[key] = canonical(item, shape.properties[key]!);
    } else if (written !== "__proto__") {
      result[written] = item;
    }
  }
  return result;
}

/** The known spelling of a key, in any case; undefined for an unknown key. */
function spelt(written: string, properties: NonNullable<Shape["properties"]>): string | undefined {
  return Object.hasOwn(properties, written) ? written : spellingOf(properties).get(written.toLowerCase());
}

const spellings = new WeakMap<object, Map<string, string>>();

/** Spellings by lower-case key. Kept, because one configuration is read more than once. */
function spellingOf(properties: NonNullable<Shape["properties"]>): Map<string, string> {
  let spelling = spellings.get(properties);
  if (spelling === undefined) {
    spelling = new Map();
    for (const key in properties) spelling.set(key.toLowerCase(), key);
    spellings.set(properties, spelling);
  }
  return spelling;
}

/** Keys that have a meaning at the top of a configuration beside those of its shape: type ns-net serves them, too. */
const furtherKeys = `
  capabilities portMappings bandwidth
  masqAll markMasqBit externalSetMarkChain conditionsV4 conditionsV6
  iptablesAdminChainName firewalldZone ingressPolicy
  ingressRate ingressBurst egressRate egressBurst shapedSubnets unshapedSubnets
  sysctl promisc allmulti txQLen
`;

/** Keys of the specification and of the reference's plugins that a configuration may hold beside ours. */
const foreignKeys = `
  cniVersions disableCheck disableGC loadOnlyInlinedPlugins plugins
  backend snat mac master mode linkInContainer bcqueuelen vlanId
  table gateways addSourceHints vrfname vrfName
  device hwaddr kernelpath pciBusID deviceID
  multiQueue owner group selinuxContext
  daemonSocketPath request provide priority
  addresses resolvConf prevResult ips aliases
`;

/**
 * Throws code 2 for the first unknown key that is nearly one of the shape's: a silently ignored `isGatway` costs hours.
 * Checks lists and objects, too. `path` is where the value is, "" at the top.
 */
export function refuseMisspelt(value: unknown, shape: Shape, path: string): void {
  if (Array.isArray(value) && shape.items !== undefined) {
    for (let i = 0; i < value.length; i++) refuseMisspelt(value[i], shape.items, `${path}[${i}]`);
  }
  if (!isObject(value) || shape.properties === undefined) return;
  for (const key in value) {
    const item = value[key];
    const known = shape.properties[key];
    const keyPath = path === "" ? key : `${path}.${key}`;
    if (known !== undefined) refuseMisspelt(item, known, keyPath);
    else refuseIfMisspelt(key, keyPath, value, shape);
  }
}

function refuseIfMisspelt(key: string, path: string, value: JsonObject, shape: Shape): void {
  if (/[./$]/.test(key) || isForeign(key)) return;
  const keys = Object.keys(shape.properties!);
  if (path === key) keys.push(...furtherKeys.trim().split(/\s+/));
  const meant = keys.find((known) => !Object.hasOwn(value, known) && nearest.isSlipOf(key, known));
  if (meant === undefined) return;
  throw new Fault(code.unsupportedField, `Cannot use ${path} = ${shown(value[key])}`, `did you mean ${meant}?`);
}

function isForeign(key: string): boolean {
  return `${furtherKeys} ${foreignKeys}`.toLowerCase().split(/\s+/).includes(key.toLowerCase());
}
