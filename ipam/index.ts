/** The kinds of IPAM, by `ipam.type`. To add one: a file that exports an `Ipam`, and a line here. */
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
  /** Running another program is rare, so what it takes is loaded only then. */
  get delegate() {
    return delegate.delegate;
  },
};

/** The caller gives it the configuration it asked with: `ipamFor(config.ipam.type).acquire({ config: config.ipam, … })`. */
export function ipamFor(kind: Kind): Ipam {
  return kinds[kind];
}

/** True for a kind whose leases are rows of the store and nothing else; a delegate has to be told what is freed. */
export function ipamKeepsLeases(type: string): boolean {
  return type === "" || (type !== "delegate" && Object.hasOwn(kinds, type));
}

/**
 * Who frees what an attachment has: the kind that gave it, as its entry says, for the configuration may have changed
 * since; without an entry the kind that is configured now. A name that is no kind of ours is a delegate's.
 */
export function ipamForRelease(request: Identity, entry: Entry | undefined): Pick<Ipam, "release" | "collect"> {
  const type = entry?.ipamType || request.ipamType;
  if (type !== "delegate" && Object.hasOwn(kinds, type)) return kinds[type as Kind];
  return {
    release: (of, store) => delegate.delegate.release({ ...of, ipamType: type }, store),
    collect: (of) => delegate.delegate.collect?.({ ...of, ipamType: type }),
  };
}
