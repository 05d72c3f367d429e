/** The capability `portMappings`: canonical, with neighbouring ports joined to rows. Throws code 7. */
import { formatAddress, parseAddress } from "../../ip/address.ts";
import { badConfig } from "../fault.ts";
import type { PortMapping, Protocol } from "./config.ts";
import { containerPortOf, inRows } from "./portRow.ts";
import type { GivenNetwork } from "./requested.ts";

type Given = NonNullable<NonNullable<GivenNetwork["runtimeConfig"]>["portMappings"]>[number];

const protocols: readonly string[] = ["tcp", "udp", "sctp"];
const portMax = 65535;

/** A mapping with its path in the configuration. */
interface Read extends PortMapping {
  readonly path: string;
}

export function portMappingsOf(given: readonly Given[]): readonly PortMapping[] {
  const all: Read[] = [];
  for (let i = 0; i < given.length; i++) all.push(read(given[i]!, `runtimeConfig.portMappings[${i}]`));
  const placeOf = ({ protocol, hostIp = "*" }: Read) => `${protocol} ${hostIp}`;
  const rows = inRows(all, placeOf, ({ first, second, port }) =>
    badConfig(`${second.path}.hostPort`, port, `mapped once: it leads to ${containerPortOf(first, port)} already`),
  );
  return rows.map(({ path: _, ...mapping }) => mapping);
}

function read(given: Given, path: string): Read {
  const count = given.range || 1;
  const protocol = (given.protocol || "tcp").toLowerCase();
  if (!protocols.includes(protocol)) throw badConfig(`${path}.protocol`, given.protocol, "tcp, udp or sctp");
  const hostPort = port(given.hostPort, count, `${path}.hostPort`);
  const containerPort = port(given.containerPort, count, `${path}.containerPort`);
  const hostIp = hostAddress(given.hostIP, `${path}.hostIP`);
  return {
    path,
    protocol: protocol as Protocol,
    hostPort,
    containerPort,
    count: count > 1 ? count : undefined,
    hostIp,
  };
}

function port(value: number | undefined, count: number, path: string): number {
  if (value === undefined || value < 1) throw badConfig(path, value, `a whole number from 1 to ${portMax}`);
  if (value + count - 1 > portMax)
    throw badConfig(path, value, `at most ${portMax - count + 1} with a range of ${count}`);
  return value;
}

function hostAddress(text: string | undefined, path: string): string | undefined {
  if (!text) return undefined;
  const address = parseAddress(text);
  if (!address) throw badConfig(path, text, "an address of the host, or left out for all of them");
  const { family, value } = address;
  // ::ffff:192.0.2.1 is an IPv4 address (RFC 4291, 2.5.5.2), which no packet has in this form.
  const isMapped = family === 6 && value >> 32n === 0xffffn;
  const canonical = formatAddress(isMapped ? { family: 4, value: value & 0xffffffffn } : address);
  if (canonical === "::1") {
    throw badConfig(
      path,
      text,
      "another address: the kernel never lets a packet from ::1 leave the loopback interface",
    );
  }
  return canonical;
}
