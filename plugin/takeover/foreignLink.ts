/** Reads from `prevResult` an interface that the reference's macvlan and its like created. */
import { isObject } from "../../conf/decode.ts";
import type { PluginType } from "../../conf/pluginType.ts";
import type { Raw } from "../../conf/request.ts";
import type { Foreign } from "../../step/kind.ts";

/** Undefined if `prevResult` describes none, or too little to recognize it. */
export function foreignIn({ stdin }: Raw, ifname: string, type: PluginType = "ns-net"): Foreign | undefined {
  const mac = interfacesIn(stdin).find(({ name, sandbox }) => name === ifname && sandbox)?.["mac"];
  // A tap is a tun to the kernel.
  return typeof mac === "string" ? { type: type === "tap" ? "tun" : type, mac: mac.toLowerCase() } : undefined;
}

function interfacesIn(stdin: string): Readonly<Record<string, unknown>>[] {
  try {
    const { prevResult } = JSON.parse(stdin) as { prevResult?: { interfaces?: unknown } };
    const interfaces = prevResult?.interfaces;
    return Array.isArray(interfaces) ? interfaces.filter(isObject) : [];
  } catch {
    return [];
  }
}
