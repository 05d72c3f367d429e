/** The result of ADD in the shape of the newest version. `formatResult` writes it for older ones. */

export interface ResultInterface {
  readonly name: string;
  readonly mac?: string | undefined;
  /** Bytes. */
  readonly mtu?: number | undefined;
  /** Path of the network namespace; absent for an interface of the host. */
  readonly sandbox?: string | undefined;
  readonly socketPath?: string | undefined;
  readonly pciID?: string | undefined;
}

export interface ResultAddress {
  /** CIDR. */
  readonly address: string;
  readonly gateway?: string | undefined;
  /** Index in `interfaces`. 0 and absent differ. */
  readonly interface?: number | undefined;
}

export interface Result {
  readonly interfaces: readonly ResultInterface[];
  readonly ips: readonly ResultAddress[];
  readonly routes: readonly Route[];
  readonly dns?: Dns | undefined;
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
  readonly gw?: string | undefined;
  /** A proposal for the specification, several next hops: passed on in a result, not served. */
  readonly gws?: readonly string[] | undefined;
  readonly mtu?: number | undefined;
  readonly advmss?: number | undefined;
  readonly priority?: number | undefined;
  readonly table?: number | undefined;
  readonly scope?: number | undefined;
}
