/**
 * NSNET_DEBUG=netlink: prints every message on standard error, by name, decoded where a table exists, and in
 * hexadecimal digits. Loaded only then.
 */
import { writeSync } from "node:fs";
import { controlType, type Frame } from "./message.ts";
import { nfgenHeader, nftType } from "./nft/message.ts";
import { addressPayload, addressType } from "./route/address.ts";
import { interfaceType, linkPayload } from "./route/link.ts";
import { neighbourType } from "./route/neighbour.ts";
import { routePayload, routeType } from "./route/route.ts";
import { traceWith } from "./socket.ts";

const netfilter = 12;
const bytesPerLine = 32;
const hexLinesMax = 64;

/** `RTM_GETLINK` from `get` in a table of `link`. */
function named(prefix: string, table: Readonly<Record<string, number>>, object: string): [number, string][] {
  const verbs: Record<string, string> = { create: "NEW", delete: "DEL", get: "GET", set: "SET" };
  return Object.entries(table).map(([verb, type]) => [type, `${prefix}${verbs[verb]}${object}`]);
}

const routeNames = new Map([
  ...named("RTM_", interfaceType, "LINK"),
  ...named("RTM_", addressType, "ADDR"),
  ...named("RTM_", routeType, "ROUTE"),
  ...named("RTM_", neighbourType, "NEIGH"),
]);

const routeDecoders = new Map<number, (payload: Uint8Array) => unknown>([
  [interfaceType.create, linkPayload.get],
  [interfaceType.delete, linkPayload.get],
  [addressType.create, addressPayload.get],
  [routeType.create, routePayload.get],
]);

const nftNames = new Map<number, string>(
  Object.entries(nftType).map(([name, type]) => [
    type,
    `NFT_MSG_${name.replace("delete", "del").replace("Element", "SetElem").toUpperCase()}`,
  ]),
);

function nameOf(protocol: number, type: number): string {
  for (const [name, control] of Object.entries(controlType)) if (control === type) return `NLMSG_${name.toUpperCase()}`;
  if (protocol !== netfilter) return routeNames.get(type) ?? `type ${type}`;
  if (type === 0x10 || type === 0x11) return type === 0x10 ? "NFNL_MSG_BATCH_BEGIN" : "NFNL_MSG_BATCH_END";
  return nftNames.get(type & 0xff) ?? `type ${type}`;
}

function decoded(protocol: number, frame: Frame): string {
  const decode = protocol === netfilter ? undefined : routeDecoders.get(frame.type);
  if (!decode) return "";
  try {
    const show = (_: string, value: unknown) =>
      value instanceof Map ? undefined : value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
    return ` ${JSON.stringify(decode(frame.payload), show)}`;
  } catch (error) {
    return ` (${(error as Error).message})`;
  }
}

function hexLines(payload: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < payload.length && lines.length < hexLinesMax; at += bytesPerLine) {
    lines.push(
      `    ${Buffer.from(payload.subarray(at, at + bytesPerLine))
        .toString("hex")
        .replace(/(.{8})(?=.)/g, "$1 ")}\n`,
    );
  }
  return lines.join("");
}

function printFrame(direction: "→" | "←", protocol: number, frame: Frame, what: string): void {
  const length = frame.payload.length - (protocol === netfilter && frame.type > 0x11 ? nfgenHeader.size : 0);
  const head = `${direction} ${nameOf(protocol, frame.type)} #${frame.sequence} flags 0x${frame.flags.toString(16)} ${length} bytes`;
  writeSync(2, `${head}${what && `: ${what}`}${decoded(protocol, frame)}\n${hexLines(frame.payload)}`);
}

/** Prints every message that is sent or received from now on. */
export const traceMessages = (): void => traceWith(printFrame);
