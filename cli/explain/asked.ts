/** Reads TO of `ns-net explain`: a place, maybe with a port and a protocol, or a URL. */
import type { Question } from "../../explain/path/world.ts";
import { parseAddress } from "../../ip/address.ts";
import { UsageError } from "../command.ts";

export interface Asked {
  readonly place: string;
  readonly port: number | undefined;
  readonly protocol: Question["protocol"];
}

/** Ports of URLs that name none. */
const schemePorts: Readonly<Record<string, number>> = {
  ...{ "http:": 80, "https:": 443, "ssh:": 22, "postgres:": 5432, "postgresql:": 5432 },
  ...{ "redis:": 6379, "mysql:": 3306, "amqp:": 5672, "mongodb:": 27017, "ftp:": 21 },
};

/** `web`, `web:80`, `10.1.0.3:53/udp`, `[fd00::5]:80`, `http://web:8080/path`. Throws UsageError. */
export function askedIn(words: string): Asked {
  if (/^\w+:\/\//.test(words)) return inUrl(words);
  const bracketed = /^\[([^\]]+)\](?::(.*))?$/.exec(words);
  if (bracketed) return withPort(bracketed[1]!, bracketed[2], words);
  if (parseAddress(words) !== undefined) return { place: words, port: undefined, protocol: "icmp" };
  // A place has no colon, except those that begin with a word of ns-net. A port that is mistyped has a digit.
  const [, place, port] = /^(.+):(\d\S*)$/.exec(words) ?? [];
  // `pid:42` is a place; `pid:42:80` has a port.
  if (place === undefined || /^(?:pid|container)$/.test(place))
    return { place: words, port: undefined, protocol: "icmp" };
  return withPort(place, port, words);
}

function withPort(place: string, text: string | undefined, words: string): Asked {
  if (text === undefined) return { place, port: undefined, protocol: "icmp" };
  const [, digits, protocol = "tcp"] = /^(\d+)(?:\/(\w+))?$/.exec(text) ?? [];
  const port = Number(digits);
  if (!(port >= 1 && port <= 65_535) || (protocol !== "tcp" && protocol !== "udp")) {
    throw new UsageError(
      `cannot use ${JSON.stringify(words)}: write PLACE:PORT or PLACE:PORT/udp, ports from 1 to 65535`,
    );
  }
  return { place, port, protocol };
}

function inUrl(words: string): Asked {
  const url = URL.canParse(words) ? new URL(words) : undefined;
  const port = url && (url.port === "" ? schemePorts[url.protocol] : Number(url.port));
  if (url === undefined || port === undefined || url.hostname === "") {
    throw new UsageError(`cannot use the URL ${JSON.stringify(words)}: write it with a port, such as http://web:8080`);
  }
  return { place: url.hostname.replace(/^\[(.*)\]$/, "$1"), port, protocol: "tcp" };
}
