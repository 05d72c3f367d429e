/** Settings of kinds of links: as netlink attributes, and as ip-link(8) writes them. */
import { ipvlan, ipvlanKind, ipvlanMode } from "../../netlink/route/kind/ipvlan.ts";
import { macvlan, macvlanKind, macvlanMode } from "../../netlink/route/kind/macvlan.ts";
import { vlan, vlanKind } from "../../netlink/route/kind/vlan.ts";
import type { Link } from "../../netlink/route/link.ts";

export type Settings =
  | { readonly type: typeof macvlanKind; readonly mode: string; readonly bcqueuelen?: number }
  | { readonly type: typeof ipvlanKind; readonly mode: string }
  | { readonly type: typeof vlanKind; readonly id: number }
  | { readonly type: "dummy" };

/** IFLA_INFO_DATA; undefined for a kind without it. */
export function dataOf(settings: Settings): Uint8Array | undefined {
  switch (settings.type) {
    case macvlanKind:
      return macvlan.put({
        mode: macvlanMode[settings.mode as keyof typeof macvlanMode],
        broadcastQueueLength: settings.bcqueuelen,
      });
    case ipvlanKind:
      return ipvlan.put({ mode: ipvlanMode[settings.mode as keyof typeof ipvlanMode] });
    case vlanKind:
      return vlan.put({ id: settings.id });
    case "dummy":
      return undefined;
  }
}

/** `type macvlan mode bridge bcqueuelen 500` */
export function wordsOf({ type, ...values }: Settings): string {
  const words = Object.entries(values).map(([key, value]) => ` ${key} ${value}`);
  return `type ${type}${words.join("")}`;
}

/** The settings of a link; undefined for another kind. Without bcqueuelen, which all macvlans of a master share. */
export function readSettings({ info }: Link): Settings | undefined {
  const { kind, data = new Uint8Array(0) } = info ?? {};
  const named = (modes: Readonly<Record<string, number>>, mode: number | undefined) =>
    Object.keys(modes).find((name) => modes[name] === mode) ?? String(mode);
  switch (kind) {
    case macvlanKind:
      return { type: kind, mode: named(macvlanMode, macvlan.get(data).mode) };
    case ipvlanKind:
      return { type: kind, mode: named(ipvlanMode, ipvlan.get(data).mode) };
    case vlanKind:
      return { type: kind, id: vlan.get(data).id ?? 0 };
    default:
      return kind === "dummy" ? { type: kind } : undefined;
  }
}
