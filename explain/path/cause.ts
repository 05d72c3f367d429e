/** The reasons for which a packet does not arrive, and what repairs them. */

export const causeCodes = [
  ...(["no-namespace", "no-interface", "interface-down", "no-address"] as const),
  ...(["no-route", "wrong-prefix", "gateway-unreachable", "wrong-neighbour"] as const),
  ...([
    "host-end-down",
    "not-in-bridge",
    "bridge-down",
    "port-blocked",
    "isolated",
    "wrong-port",
    "spoof-check",
  ] as const),
  ...(["duplicate-address", "forwarding-off", "rp-filter", "no-host-route", "rival-route", "policy-route"] as const),
  ...(["dropped-by-rule", "dropped-by-policy", "bridge-netfilter"] as const),
  ...(["no-masquerade", "no-mapping", "mapping-shadowed", "hairpin-off"] as const),
  ...(["not-listening", "listens-on-loopback", "listens-other-family", "dropped-inside"] as const),
  ...(["no-return-route", "conntrack-full", "mtu", "ipv6-disabled", "tentative"] as const),
  /** By `--live` alone: the kernel gave a drop reason that none of these codes says. */
  "dropped-by-kernel",
  /** The verdict is unsure: `what` names what decides. */
  "undecided",
] as const;

export type CauseCode = (typeof causeCodes)[number];

export interface Cause {
  readonly code: CauseCode;
  /** `host`, or `namespace NAME`. */
  readonly where: string;
  /** One sentence without a full stop, which names the thing. */
  readonly what: string;
  /** The command that repairs it; empty if none does. */
  readonly cure: string;
}

/** The packet does not arrive. */
export class Blocked extends Error {
  readonly reason: Cause;

  constructor(reason: Cause) {
    super(reason.what);
    this.name = "Blocked";
    this.reason = reason;
  }
}

/** The walk meets something that it does not follow. */
export class Undecided extends Error {
  readonly where: string;
  readonly cure: string;

  constructor(where: string, what: string, cure = "") {
    super(what);
    this.name = "Undecided";
    this.where = where;
    this.cure = cure;
  }
}
