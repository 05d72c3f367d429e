/** Reads `hosts:` and `across:`. */
import type { Node } from "yaml";
import { type HostEntry, type WayAcross, waysAcross } from "./labFile.ts";
import type { Located } from "./mistakes.ts";
import { readAddress } from "./pods.ts";
import type { Field, Reader } from "./reader.ts";

const mtuLimits = [1280, 65_535] as const;

/** `{ node1: 192.168.50.1, node2: { address: 192.168.50.2, mtu: 1400 } }` */
export function readHosts(node: Node | undefined, reader: Reader): HostEntry[] {
  return (reader.fields(node, "hosts") ?? []).flatMap((field) => readHost(field, reader) ?? []);
}

function readHost({ key, node }: Field, reader: Reader): HostEntry | undefined {
  const what = `hosts.${key.value}`;
  const isLong = reader.isMap(node);
  const found = isLong ? reader.known(node, what, ["address", "mtu"] as const) : { address: { key, node } };
  if (!found) return undefined;
  if (!found.address || reader.isEmpty(found.address.node))
    return reader.report(key.at, `${what} has no address`, "write one as 192.168.50.1");
  const address = readAddress(found.address.node, `the address of ${what}`, reader);
  const mtu = "mtu" in found && found.mtu ? reader.number(found.mtu.node, `${what}.mtu`, mtuLimits) : undefined;
  return address && { name: key, address, mtu: mtu?.value };
}

export function readAcross(field: Field | undefined, reader: Reader): Located<WayAcross> | undefined {
  const value = field && reader.oneOf(field.node, "across", waysAcross);
  return value && { value, at: field!.key.at };
}
