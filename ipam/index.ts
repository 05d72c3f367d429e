/** The kinds of IPAM by `ipam.type`. To add one: a file that exports an `Ipam`, and a line here. */
import type { IpamConfig } from "../conf/config/config.ts";
import type { Identity } from "../conf/request.ts";
import type { Entry } from "../store/entry.ts";
import defer * as delegate from "./delegate/delegate.ts";
import type { Ipam } from "./ipam.ts";
import { none } from "./none.ts";
import { local } from "./pool.ts";
import { fixed } from "./static.ts";

type Kind = IpamConfig["type"];
type ConfigOf<K extends Kind> = { [C in IpamConfig as C["type"]]: C }[K];

// The mapped type makes a missing kind a compile error.
const kinds: { readonly [K in Kind]: Ipam<ConfigOf<K>> } = {
  "ns-net": local,
  "host-local": local,
  static: fixed,
  none,
  /** Few networks use another program, so its code is loaded only then. */
  get delegate() {
    return delegate.delegate;
  },
};

/** The kind of a configuration: `ipamFor(config.ipam.type).acquire({ config: config.ipam, … })`. */
export function ipamFor(kind: Kind): Ipam {
  return kinds[kind];
}

/** True if the leases of a kind are only rows of the store. A delegate must be called to free one. */
export function ipamKeepsLeases(type: string): boolean {
  return type === "" || (type !== "delegate" && Object.hasOwn(kinds, type));
}

/**
 * The kind that frees an attachment's lease: the one that gave it, by its entry, because the configuration may have
 * changed; without an entry the configured one. An unknown name is a delegate's.
 */
export function ipamForRelease(request: Identity, entry: Entry | undefined): Pick<Ipam, "release" | "collect"> {
  const type = entry?.ipamType || request.ipamType;
  if (type !== "delegate" && Object.hasOwn(kinds, type)) return kinds[type as Kind];
  return {
    release: (of, store, call) => delegate.delegate.release({ ...of, ipamType: type }, store, call),
    collect: (of, call) => delegate.delegate.collect?.({ ...of, ipamType: type }, call),
  };
}
