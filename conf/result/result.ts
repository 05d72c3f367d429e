/** What ADD answers, in the shape of the newest specification version. Written for older ones by `formatResult`. */

export interface ResultInterface {
  readonly name: string;
  readonly mac?: string;
  /** Bytes. */
  readonly mtu?: number;
  /** Path of the network namespace; absent for an interface of the host. */
  readonly sandbox?: string;
  readonly socketPath?: string;
  readonly pciID?: string;
}

export interface ResultAddress {
  /** CIDR. */
  readonly address: string;
  readonly gateway?: string;
  /** Index into `interfaces`; 0 and absent are different things. */
  readonly interface?: number;
}

export interface Result {
  readonly interfaces: readonly ResultInterface[];
  readonly ips: readonly ResultAddress[];
  readonly routes: readonly Route[];
  readonly dns?: Dns;
}

export interface Dns {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

/** SPEC.md 1.1.0, "Add Success": `mtu` and `advmss` in bytes, `table` and `scope` as the kernel numbers them. */
export interface Route {
  readonly dst: string;
  readonly gw?: string;
  /** A proposal for the specification, several ways at once: handed on in a result, not served. */
  readonly gws?: readonly string[];
  readonly mtu?: number;
  readonly advmss?: number;
  readonly priority?: number;
  readonly table?: number;
  readonly scope?: number;
}
