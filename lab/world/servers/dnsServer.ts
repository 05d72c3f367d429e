/** The DNS server of a pod: it knows the names of the lab, and no others (RFC 1035, RFC 3596). */
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type Packet, type Question } from "dns-packet";
import { type Address, formatAddress, parseAddress } from "../../../ip/address.ts";
import type { Netns } from "../../../sys/netns.ts";
import type { Names } from "../../plan/names.ts";
import { dnsAddress } from "../files.ts";
import { startIn } from "../startIn.ts";
import { type Listening, udpServer } from "./servers.ts";

const port = 53;
/** A name of a lab may move with the next `lab apply`. */
const ttlSeconds = 1;
/** RFC 1035, section 4.1.1 */
const nameError = 3;

/** `names` is asked for each answer: they change with the lab. */
export function openDnsServer(netns: Netns, names: () => Names): Promise<Listening> {
  return startIn(netns, () => udpServer(dnsAddress, port, (bytes) => answerTo(bytes, names())));
}

/** The answer to a request; undefined for what is none. */
export function answerTo(bytes: Buffer, names: Names): Uint8Array | undefined {
  let request: Packet;
  try {
    request = decode(bytes);
  } catch {
    return undefined;
  }
  const [question] = request.questions ?? [];
  if (request.type !== "query" || question === undefined) return undefined;
  const answers = answersTo(question, names);
  return encode({
    type: "response",
    id: request.id ?? 0,
    flags: AUTHORITATIVE_ANSWER | (answers === undefined ? nameError : 0),
    questions: [question],
    answers: answers ?? [],
  });
}

/** Answers undefined for an unknown name, and an empty list for a known one that has no address of that family. */
function answersTo({ name, type }: Question, names: Names): Answer[] | undefined {
  const asked = name.toLowerCase().replace(/\.$/, "");
  if (type === "PTR") {
    const address = addressOfReverse(asked);
    const found = [...names].find(([, addresses]) => address && addresses.some((one) => isSame(one, address)))?.[0];
    return found === undefined ? undefined : [{ type, name, ttl: ttlSeconds, data: found }];
  }
  const addresses = asked === "localhost" ? loopback : names.get(asked);
  if (addresses === undefined) return undefined;
  const family = type === "A" ? 4 : type === "AAAA" ? 6 : undefined;
  return addresses
    .filter((one) => one.family === family)
    .map((one) => ({ type: type as "A" | "AAAA", name, ttl: ttlSeconds, data: formatAddress(one) }));
}

const loopback = [parseAddress("127.0.0.1")!, parseAddress("::1")!];

const isSame = (a: Address, b: Address) => a.family === b.family && a.value === b.value;

/** `2.0.1.10.in-addr.arpa` → 10.1.0.2; RFC 3596, section 2.5 for IPv6. */
function addressOfReverse(name: string): Address | undefined {
  const ipv4 = /^((?:\d+\.){4})in-addr\.arpa$/.exec(name)?.[1];
  if (ipv4) return parseAddress(ipv4.split(".").filter(Boolean).reverse().join("."));
  const ipv6 = /^((?:[\da-f]\.){32})ip6\.arpa$/.exec(name)?.[1];
  const digits = ipv6?.split(".").filter(Boolean).reverse().join("");
  return digits === undefined ? undefined : parseAddress(digits.match(/.{4}/g)!.join(":"));
}
