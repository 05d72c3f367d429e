/** Reads `tests:`, in the short form `web -> api:80` and in the long one. */
import type { Node } from "yaml";
import { parseAddress } from "../../ip/address.ts";
import type { Destination, TestEntry } from "./labFile.ts";
import type { Located, Place } from "./mistakes.ts";
import { millisecondsOf } from "./quantities.ts";
import type { Reader } from "./reader.ts";

const withinMsDefault = 2000;

export function readTests(node: Node | undefined, reader: Reader): TestEntry[] {
  return reader
    .items(node)
    .flatMap((item) => (reader.isMap(item) ? readLong(item, reader) : readShort(item, reader)) ?? []);
}

const short = /^(?<from>\S+)\s+(?<arrow>->|-x->)\s+(?<to>\S+)$/;

function readShort(node: Node, reader: Reader): TestEntry | undefined {
  const text = reader.text(node, "a test");
  if (text === undefined) return undefined;
  const { from, arrow, to } = short.exec(text.value.trim())?.groups ?? {};
  if (!from || !to) return reader.report(text.at, `${JSON.stringify(text.value)} is no test`, forms);
  // The text of a plain or quoted scalar is in the file as it is, so the parts are found in it.
  const [start, end] = text.at;
  const at = (part: string, last: boolean): Place => {
    const offset = last ? text.value.lastIndexOf(part) : text.value.indexOf(part);
    const quote = end - start > text.value.length ? 1 : 0;
    return [start + quote + offset, start + quote + offset + part.length];
  };
  const destination = destinationOf(to);
  if (!destination) return reader.report(at(to, true), `${JSON.stringify(to)} is no destination`, destinations);
  return {
    at: text.at,
    from: { value: from, at: at(from, false) },
    to: { value: destination, at: at(to, true) },
    expected: arrow === "->" ? "reachable" : "unreachable",
    withinMs: withinMsDefault,
  };
}

const forms = 'write "web -> api" for a ping, "web -> api:80" for TCP, "web -x-> api" for what must not be reachable';
const destinations =
  "write NAME, NAME:PORT, NAME:PORT/udp, http://NAME/ or an address, IPv6 with a port as [fd00::5]:80";

const keys = ["name", "from", "to", "expect", "within", "mtu"] as const;

function readLong(node: Node, reader: Reader): TestEntry | undefined {
  const found = reader.known(node, "a test", keys);
  if (!found) return undefined;
  const place = Object.values(found)[0]?.key.at ?? [0, 1];
  for (const key of ["from", "to"] as const)
    if (!found[key]) reader.report(place, `this test has no ${key}`, "write { from: web, to: api:80 }");
  if (!found.from || !found.to) return undefined;
  const from = reader.text(found.from.node, "from", found.from.key.at);
  const text = reader.text(found.to.node, "to", found.to.key.at);
  const withinMs = found.within ? durationOf(found.within.node, reader) : withinMsDefault;
  const mtu = found.mtu && reader.number(found.mtu.node, "mtu", [28, 65_535]);
  const expected = found.expect ? reader.text(found.expect.node, "expect", found.expect.key.at)?.value : "reachable";
  const to = text && readDestination(text, reader);
  if (!from || !to || withinMs === undefined || expected === undefined) return undefined;
  const isWord = expected === "reachable" || expected === "unreachable";
  if (mtu && to.value.kind !== "ping") return reader.report(mtu.at, "mtu is for a ping", "leave the port of to out");
  return {
    at: place,
    title: found.name && reader.text(found.name.node, "name", found.name.key.at)?.value,
    from,
    to: isWord ? to : { ...to, value: asPage(to.value) },
    expected: isWord ? expected : { body: expected },
    withinMs,
    mtu: mtu?.value,
  };
}

function readDestination(text: Located<string>, reader: Reader): Located<Destination> | undefined {
  const value = destinationOf(text.value);
  if (value) return { value, at: text.at };
  return reader.report(text.at, `${JSON.stringify(text.value)} is no destination`, destinations);
}

/** Only a page has a body. */
function asPage(to: Destination): Destination {
  if (to.kind === "http") return to;
  return { kind: "http", name: to.name, port: to.kind === "ping" ? 80 : to.port, path: "/" };
}

const url = /^http:\/\/(?<name>\[[\da-fA-F:.]+\]|[^/:[\]]+)(?::(?<port>\d+))?(?<path>\/\S*)?$/;
const endpoint = /^(?<name>\[[\da-fA-F:.]+\]|[^/:[\]]+):(?<port>\d+)(?:\/(?<protocol>tcp|udp))?$/;
const name = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/;

/** Answers undefined for any other text. */
function destinationOf(text: string): Destination | undefined {
  const page = url.exec(text)?.groups;
  const plain = endpoint.exec(text)?.groups;
  const part = (page ?? plain)?.["name"]?.replace(/^\[|\]$/g, "") ?? text;
  if (!name.test(part) && !parseAddress(part)) return undefined;
  const port = Number((page ?? plain)?.["port"] ?? 80);
  if (port < 1 || port > 65_535) return undefined;
  if (page) return { kind: "http", name: part, port, path: page["path"] ?? "/" };
  if (plain) return { kind: plain["protocol"] === "udp" ? "udp" : "tcp", name: part, port };
  return { kind: "ping", name: part };
}

const withinMsMax = 600_000;

/** `5s`, `500ms`, `1m`; milliseconds. */
function durationOf(node: Node | undefined, reader: Reader): number | undefined {
  const text = reader.text(node, "within");
  if (text === undefined) return undefined;
  const durationMs = millisecondsOf(text.value) ?? 0;
  if (durationMs > 0 && durationMs <= withinMsMax) return durationMs;
  return reader.report(
    text.at,
    `within = ${JSON.stringify(text.value)} is no time up to 10 minutes`,
    "write 5s or 500ms",
  );
}

/** The canonical short form: `web -> api:80`, `web -x-> [fd00::5]:80/udp`. */
export function shortForm({ from, to, expected }: Pick<TestEntry, "from" | "to" | "expected">): string {
  return `${from.value} ${expected === "unreachable" ? "-x->" : "->"} ${destinationText(to.value)}`;
}

export function destinationText(to: Destination): string {
  const host = to.name.includes(":") && to.kind !== "ping" ? `[${to.name}]` : to.name;
  if (to.kind === "ping") return host;
  if (to.kind === "http") return `http://${host}${to.port === 80 ? "" : `:${to.port}`}${to.path}`;
  return `${host}:${to.port}${to.kind === "udp" ? "/udp" : ""}`;
}
