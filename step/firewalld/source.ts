import { addressBits, familyOf, withoutPrefix } from "../../ip/address.ts";

/** A source of a zone, and the steps that put a container's addresses into a zone. */

export interface Source {
  readonly zone: string;
  /** CIDR. */
  readonly source: string;
}

export interface ZoneStep extends Source {
  readonly kind: "firewalldZone";
}

/** A step for each address, CIDR or without prefix length: firewalld has no request for several. */
export function zoneSteps(zone: string, addresses: readonly string[]): ZoneStep[] {
  return addresses.map((address) => {
    const text = withoutPrefix(address);
    return { kind: "firewalldZone", zone, source: `${text}/${addressBits(familyOf(text))}` };
  });
}
