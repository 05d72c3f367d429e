/** nat, masq and redir: the translation that the hook then does. net/netfilter/nft_{nat,masq,redir}.c. */
import { family } from "../../../netlink/nft/message.ts";
import { masqueradeRead, natRead, redirectRead } from "../../../netlink/nft/read/expressions.ts";
import { addressOf, versionOf } from "../packet.ts";
import type { Translation } from "../passage.ts";
import { networkNumber16 } from "./numbers.ts";
import { accept, type RuleRun, type Step } from "./rule.ts";

/** NF_NAT_RANGE_NETMAP. */
const netmap = 0x40;
/** NFT_NAT_SNAT. */
const sourceNat = 0;

export function evaluateNat(data: Uint8Array, run: RuleRun): Step {
  const { type, family: version, address, lastAddress, port, lastPort, flags = 0 } = natRead.get(data);
  if (version !== undefined && version !== run.passage.family) return "break";
  const length = run.passage.family === family.ipv4 ? 4 : 16;
  const read = (register: number | undefined) =>
    register === undefined ? undefined : run.registers.read(register, length);
  const chosen = addressBetween(read(address), read(lastAddress ?? address), run);
  if (flags & netmap) run.choose(2, "nat of a prefix");
  const ports = portsIn(port, lastPort, run);
  run.passage.translation = { side: type === sourceNat ? "source" : "destination", address: chosen, ports };
  return accept;
}

/** The kernel takes an address of the range by a hash of the source. */
function addressBetween(
  first: Uint8Array | string | undefined,
  last: Uint8Array | string | undefined,
  run: RuleRun,
): Uint8Array | undefined {
  if (typeof first === "string") {
    run.choose(2, `nat to ${first}`);
    return undefined;
  }
  if (first === undefined || last === undefined || typeof last === "string") return first;
  if (Buffer.compare(first, last) === 0) return first;
  return run.choose(2, "nat to one of several addresses") === 0 ? first : last;
}

function portsIn(first: number | undefined, last: number | undefined, run: RuleRun): Translation["ports"] {
  if (first === undefined) return undefined;
  const [from, to] = [first, last ?? first].map((register) => run.registers.read(register, 2));
  if (typeof from === "string" || typeof to === "string") {
    run.choose(2, `nat to port ${from}`);
    return undefined;
  }
  return [networkNumber16(from!), networkNumber16(to!)];
}

export function evaluateMasquerade(data: Uint8Array, run: RuleRun): Step {
  const { port, lastPort } = masqueradeRead.get(data);
  return masquerade(run, portsIn(port, lastPort, run));
}

/** Replaces the source by an address of the link that the packet leaves by; without one the kernel drops it. */
export function masquerade({ passage, choose }: RuleRun, ports: Translation["ports"]): Step {
  const { output, packet, surroundings } = passage;
  const address = output && surroundings.ownAddress(output, addressOf(packet, "destination"));
  if (address === undefined) choose(2, "masquerade without an address");
  passage.translation = { side: "source", address, ports };
  return accept;
}

export function evaluateRedirect(data: Uint8Array, run: RuleRun): Step {
  const { port, lastPort } = redirectRead.get(data);
  return redirect(run, portsIn(port, lastPort, run));
}

const loopback = { 4: Uint8Array.of(127, 0, 0, 1), 6: Uint8Array.from([...new Array<number>(15).fill(0), 1]) };
/** NF_INET_LOCAL_OUT. */
const outputHook = 3;

/** Replaces the destination by this machine: 127.0.0.1 for its own packets, else an address of the link they came by. */
export function redirect({ passage, choose }: RuleRun, ports: Translation["ports"]): Step {
  const { hook, input, packet, surroundings } = passage;
  const version = versionOf(packet) ?? 4;
  const own = input && surroundings.ownAddress(input, addressOf(packet, "source"));
  const address = hook === outputHook ? loopback[version] : own;
  if (address === undefined) choose(2, "redirect without an address");
  passage.translation = { side: "destination", address, ports };
  return accept;
}
