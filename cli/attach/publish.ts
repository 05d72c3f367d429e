/** Published ports as people write them: `8080:80`, `53:53/udp`, `127.0.0.1:8080:80`, `9000-9009:80-89`. */
import type { PortMapping } from "../../conf/config/config.ts";
import type { PublishedPort } from "../../explain/ports/publishedPort.ts";
import { parseAddress } from "../../ip/address.ts";
import { givenBy, type Step } from "../../step/index.ts";
import { UsageError } from "../command.ts";

/** A mapping as `runtimeConfig.portMappings` has it. */
interface Mapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: string;
  readonly range?: number;
  readonly hostIP?: string;
}

const form =
  /^(?:(?<address>\d+\.\d+\.\d+\.\d+|\[[\da-fA-F:.]+\]):)?(?<host>\d+(?:-\d+)?):(?<container>\d+(?:-\d+)?)(?:\/(?<protocol>tcp|udp|sctp))?$/;

/** Throws UsageError for anything else, and for a port that is given twice. */
export function parsePublished(words: readonly string[]): Mapping[] {
  const all = words.map(parsed);
  for (const [i, one] of all.entries()) {
    const other = all.slice(0, i).findIndex((each) => isSamePlace(each, one));
    if (other >= 0)
      throw new UsageError(`--publish ${words[i]}: --publish ${words[other]} takes that port of the host already`);
  }
  return all;
}

function parsed(word: string): Mapping {
  const { address, host, container, protocol = "tcp" } = form.exec(word)?.groups ?? {};
  const [from, to] = [range(host), range(container)];
  const hostIP = address?.replace(/^\[|\]$/g, "");
  if (!from || !to || (hostIP !== undefined && !parseAddress(hostIP)))
    throw new UsageError(
      `--publish ${JSON.stringify(word)}: give HOST:CONTAINER, as 8080:80, 53:53/udp or 127.0.0.1:8080:80; ports are 1 to 65535`,
    );
  if (from.count !== to.count)
    throw new UsageError(
      `--publish ${word}: ${from.count} ports of the host cannot lead to ${to.count} of the container`,
    );
  return {
    hostPort: from.first,
    containerPort: to.first,
    protocol,
    ...(from.count > 1 ? { range: from.count } : {}),
    ...(hostIP === undefined ? {} : { hostIP }),
  };
}

const portMax = 65_535;

function range(text: string | undefined): { readonly first: number; readonly count: number } | undefined {
  if (text === undefined) return undefined;
  const [first, last = first] = text.split("-").map(Number) as [number, number?];
  return first >= 1 && last >= first && last <= portMax ? { first, count: last - first + 1 } : undefined;
}

/**
 * True if both take one port of the host. One for an address and one for all addresses may be given together if they lead
 * to the same port of the container.
 */
function isSamePlace(a: Mapping, b: Mapping): boolean {
  if (a.protocol !== b.protocol) return false;
  if (a.hostPort >= b.hostPort + (b.range ?? 1) || b.hostPort >= a.hostPort + (a.range ?? 1)) return false;
  if (a.hostIP === b.hostIP) return true;
  const isForOne = a.hostIP !== undefined && b.hostIP !== undefined;
  return !isForOne && a.containerPort - a.hostPort !== b.containerPort - b.hostPort;
}

/** The ports that steps publish, as `--publish` takes them. One that holds for both families is there once. */
export function portsOf(steps: readonly Step[]): string[] {
  return [...new Set(steps.flatMap((step) => givenBy(step).publishes ?? []).map(publishedText))];
}

/** The same for a port that another program published. */
export function foreignPortText({ hostAddress, containerPort, ...port }: PublishedPort): string {
  const isAny = hostAddress === "0.0.0.0" || hostAddress === "::";
  return publishedText({ ...port, containerPort: containerPort!, hostIp: isAny ? undefined : hostAddress });
}

function publishedText({ protocol, hostPort, containerPort, count = 1, hostIp }: PortMapping): string {
  const row = (first: number) => (count === 1 ? String(first) : `${first}-${first + count - 1}`);
  const address = hostIp === undefined ? "" : `${hostIp.includes(":") ? `[${hostIp}]` : hostIp}:`;
  return `${address}${row(hostPort)}:${row(containerPort)}${protocol === "tcp" ? "" : `/${protocol}`}`;
}
