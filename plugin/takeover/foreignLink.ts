/** Interfaces that the reference's macvlan and its like made before ns-net came in their place: the result of ADD tells of them. */
import { isObject } from "../../conf/decode.ts";
import type { PluginType } from "../../conf/pluginType.ts";
import type { Raw } from "../../conf/request.ts";
import type { Foreign } from "../../step/kind.ts";

/** Undefined when nothing is told, or too little to know it again. */
export function foreignIn({ stdin }: Raw, ifname: string, type: PluginType = "ns-net"): Foreign | undefined {
  const told = interfacesIn(stdin).find(({ name, sandbox }) => name === ifname && sandbox);
  const mac = told?.["mac"];
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
