/** What ADD answers, in the shape of the newest specification version. Written for older ones by `formatResult`. */
import type { Dns, Route } from "../config/config.ts";

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
