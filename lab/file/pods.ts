/** Reads `pods:` and `routers:`. */
import type { Node } from "yaml";
import { type Address, formatCidr, networkOf, parseAddress, parseCidr } from "../../ip/address.ts";
import {
  type JoinedNetwork,
  type PodEntry,
  type PodRoute,
  type Published,
  type Server,
  type Setting,
  serverKinds,
} from "./labFile.ts";
import type { Located, Place } from "./mistakes.ts";
import type { Field, Reader } from "./reader.ts";
import { sysctl, variable } from "./words.ts";

/** The keys of a pod in the file. */
export const podKeys = [
  ...(["host", "networks", "serve", "publish", "hostname", "sysctls", "routes"] as const),
  ...(["run", "env", "joins", "dns"] as const),
] as const;

export type PodKey = (typeof podKeys)[number];

/** Routers publish nothing and join no other. */
const routerKeys = podKeys.filter((key) => key !== "publish" && key !== "joins");

export function readPods(node: Node | undefined, reader: Reader): PodEntry[] {
  return (reader.fields(node, "pods") ?? []).map((field) => readPod(field, "pods", reader));
}

export function readRouters(node: Node | undefined, reader: Reader): PodEntry[] {
  return (reader.fields(node, "routers") ?? []).map((field) => readPod(field, "routers", reader));
}

function readPod({ key, node }: Field, group: "pods" | "routers", reader: Reader): PodEntry {
  const what = `${group}.${key.value}`;
  const isRouter = group === "routers";
  const found: { readonly [K in PodKey]?: Field } = reader.known(node, what, isRouter ? routerKeys : podKeys) ?? {};
  const textAt = (name: "host" | "hostname" | "run" | "joins") =>
    found[name] && reader.text(found[name].node, `${what}.${name}`, found[name].key.at);
  const listAt = <T>(name: "serve" | "publish", read: (item: Node) => T | undefined): T[] =>
    reader.items(found[name]?.node).flatMap((item) => read(item) ?? []);
  return {
    name: key,
    forwards: isRouter,
    host: textAt("host"),
    networks: readJoined(found.networks, what, reader),
    serve: listAt("serve", (item) => readServer(item, what, reader)),
    publish: listAt("publish", (item) => readPublished(item, what, reader)),
    hostname: textAt("hostname"),
    sysctls: settingsOf(found.sysctls, `${what}.sysctls`, sysctlRefusal, reader),
    routes: (reader.fields(found.routes?.node, `${what}.routes`) ?? []).flatMap(
      (field) => readRoute(field, what, reader) ?? [],
    ),
    run: textAt("run"),
    env: settingsOf(found.env, `${what}.env`, variableRefusal, reader),
    joins: textAt("joins"),
    dns: (found.dns && reader.flag(found.dns.node, `${what}.dns`)) ?? true,
    keys: Object.fromEntries(Object.entries(found).map(([name, field]) => [name, field.key.at])),
  };
}

/** `front`, `[front, back]`, or `{ front: 10.1.0.10, back: [10.2.0.9, "fd02::9"], far: }`. */
function readJoined(field: Field | undefined, what: string, reader: Reader): JoinedNetwork[] {
  if (!field) return [];
  if (!reader.isMap(field.node)) {
    return reader.items(field.node).flatMap((item) => {
      const network = reader.text(item, `a network of ${what}`);
      return network ? [{ network, addresses: [] }] : [];
    });
  }
  return (reader.fields(field.node, `${what}.networks`) ?? []).map(({ key, node }) => ({
    network: key,
    addresses: reader.items(node).flatMap((item) => readAddress(item, `an address of ${what}`, reader) ?? []),
  }));
}

export function readAddress(node: Node | undefined, what: string, reader: Reader): Located<Address> | undefined {
  const text = reader.text(node, what);
  const address = text && parseAddress(text.value);
  if (text === undefined || address) return address && { value: address, at: text!.at };
  const suggestion = parseCidr(text.value)
    ? `leave the prefix length out: ${text.value.split("/")[0]}`
    : "write one as 10.1.0.10 or fd00:1::10";
  return reader.report(text.at, `${what}: ${JSON.stringify(text.value)} is no address`, suggestion);
}

const portLimits = [1, 65_535] as const;

/** `http:80`, or `{ http: 80 }`. */
function readServer(node: Node, what: string, reader: Reader): Server | undefined {
  if (reader.isMap(node)) {
    const [field, ...more] = reader.fields(node, `${what}.serve`) ?? [];
    const kind = serverKinds.find((one) => one === field?.key.value);
    const port = field && kind && reader.number(field.node, `the port of ${what}.serve`, portLimits);
    if (port && more.length === 0) return { at: field.key.at, kind: kind!, port: port.value };
    if (kind && !port) return undefined;
    return reader.report(field?.key.at ?? [0, 1], `${what}.serve must be a kind and a port`, servers);
  }
  const text = reader.text(node, `${what}.serve`);
  if (text === undefined) return undefined;
  const { kind, port } = /^(?<kind>\w+):(?<port>\d+)$/.exec(text.value)?.groups ?? {};
  const known = serverKinds.find((one) => one === kind);
  if (known && isPort(port!)) return { at: text.at, kind: known, port: Number(port) };
  return reader.report(text.at, `${what}.serve = ${JSON.stringify(text.value)} is no server`, servers);
}

const servers = "write http:80, tcp:5432 or udp:53";

const isPort = (text: string) => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;

const published =
  /^(?:(?<address>\d+\.\d+\.\d+\.\d+|\[[\da-fA-F:.]+\]):)?(?<host>\d+):(?<pod>\d+)(?:\/(?<protocol>\w+))?$/;

/** `8080:80`, `53:53/udp`, `127.0.0.1:8080:80`, or `{ host: 8080, pod: 80, protocol: udp, address: 127.0.0.1 }`. */
function readPublished(node: Node, what: string, reader: Reader): Published | undefined {
  if (reader.isMap(node)) return readLongPublished(node, what, reader);
  const text = reader.text(node, `${what}.publish`);
  if (text === undefined) return undefined;
  const { address, host, pod, protocol = "tcp" } = published.exec(text.value)?.groups ?? {};
  const hostAddress = address === undefined ? undefined : parseAddress(address.replace(/[[\]]/g, ""));
  const isRight = host && pod && isPort(host) && isPort(pod) && (protocol === "tcp" || protocol === "udp");
  if (isRight && (address === undefined || hostAddress))
    return { at: text.at, protocol, hostAddress, hostPort: Number(host), podPort: Number(pod) };
  return reader.report(
    text.at,
    `${what}.publish = ${JSON.stringify(text.value)} publishes no port`,
    'write HOST:POD, as in "8080:80", "53:53/udp" or "127.0.0.1:8080:80"',
  );
}

function readLongPublished(node: Node, what: string, reader: Reader): Published | undefined {
  const found = reader.known(node, `${what}.publish`, ["host", "pod", "protocol", "address"] as const);
  if (!found) return undefined;
  const port = (name: "host" | "pod") => reader.number(found[name]?.node, `${what}.publish.${name}`, portLimits);
  const [host, pod] = [port("host"), port("pod")];
  const protocol = found.protocol
    ? reader.oneOf(found.protocol.node, `${what}.publish.protocol`, ["tcp", "udp"] as const)
    : "tcp";
  const address = found.address && readAddress(found.address.node, `${what}.publish.address`, reader);
  if (!host || !pod || !protocol || (found.address && !address)) return undefined;
  const place: Place = host.at;
  return { at: place, protocol, hostAddress: address?.value, hostPort: host.value, podPort: pod.value };
}

/** `10.9.0.0/24: 10.1.0.2`, `default: 10.9.0.2`. */
function readRoute({ key, node }: Field, what: string, reader: Reader): PodRoute | undefined {
  const destination = key.value === "default" ? "default" : parseCidr(key.value);
  if (destination === undefined)
    return reader.report(
      key.at,
      `${what}.routes: ${JSON.stringify(key.value)} is no destination`,
      "write default, or a subnet such as 10.9.0.0/24",
    );
  if (destination !== "default" && networkOf(destination).value !== destination.value)
    reader.report(key.at, `${key.value} is an address in a subnet`, `write ${formatCidr(networkOf(destination))}`);
  const gateway = readAddress(node, `the gateway of ${what}.routes`, reader);
  if (gateway === undefined) return undefined;
  if (destination === "default") return { at: key.at, destination, gateway };
  if (destination.family !== gateway.value.family)
    return reader.report(
      gateway.at,
      `the gateway of ${key.value} is an IPv${gateway.value.family} address`,
      `write an IPv${destination.family} address`,
    );
  return { at: key.at, destination: destination.prefixLength === 0 ? "default" : destination, gateway };
}

/** A message and a suggestion. */
type Refusal = readonly [message: string, suggestion: string];

function sysctlRefusal(key: string): Refusal | undefined {
  if (sysctl.test(key)) return undefined;
  const dotted = key.replaceAll("/", ".");
  if (key.includes("/") && sysctl.test(dotted))
    return [`${JSON.stringify(key)} is no setting: its parts are separated by "."`, `write ${dotted}`];
  if (/^[^./\s]+(\.[^./\s]+)+$/.test(dotted) && !dotted.startsWith("net."))
    return [`${key} is a setting of the machine`, "remove it: only net.* belong to a pod"];
  return [`${JSON.stringify(key)} is no setting of a pod`, "write one as net.ipv4.ip_default_ttl"];
}

function variableRefusal(key: string): Refusal | undefined {
  if (variable.test(key)) return undefined;
  const fixed = key.replace(/[^a-zA-Z0-9_]+/g, "_").replace(/^(?=\d|$)/, "_");
  return [
    `${JSON.stringify(key)} is no name of a variable: letters, digits and "_", no digit first`,
    /[a-zA-Z0-9]/.test(fixed) ? `write ${fixed}` : "write one as COLOUR",
  ];
}

function settingsOf(
  field: Field | undefined,
  what: string,
  refusalOf: (key: string) => Refusal | undefined,
  reader: Reader,
): Setting[] {
  return (reader.fields(field?.node, what) ?? []).flatMap(({ key, node }) => {
    const refusal = refusalOf(key.value);
    if (refusal) return reader.report(key.at, ...refusal) ?? [];
    const value = reader.text(node, `${what}.${key.value}`, key.at);
    return value ? [{ key, value: value.value }] : [];
  });
}
