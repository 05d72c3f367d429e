/**
 * Programs of the host that listen on a port. Translation comes before them: a port published over a listener takes it
 * out of service without a word. Asked only when ports are.
 *
 * A port that can be bound has no listener, which is quickly known. Only who cannot reads the kernel's tables of sockets
 * (listening.ts): each takes 3 ms, however few there are, because all of its hash is walked.
 */
import { parseAddress } from "../conf/address.ts";
import type { PortMapping } from "../conf/network.ts";
import { errno } from "../netlink/errors.ts";
import { bindRefusal } from "../netlink/sysRare.ts";
import { addressBytes } from "./names.ts";

/** Throws Fault (code.tryAgain) naming the program, where it can be found. */
export function refuseListeners(mappings: readonly PortMapping[]): void {
  for (const mapping of mappings) {
    if (isFree(mapping)) continue;
    (require("./listening.ts") as typeof import("./listening.ts")).refuseListening(mappings);
    return;
  }
}

function isFree({ protocol, hostIp, hostPort }: PortMapping): boolean {
  if (protocol === "sctp") return true;
  const refusalOf = (text: string) => bindRefusal(protocol, addressBytes(parseAddress(text)!), hostPort);
  if (hostIp !== undefined) return refusalOf(hostIp) === 0;
  const refusal = refusalOf("::");
  return (refusal === errno.EAFNOSUPPORT ? refusalOf("0.0.0.0") : refusal) === 0;
}
