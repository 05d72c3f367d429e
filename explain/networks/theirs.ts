/** The kernel's view of an attachment that the reference's plugins made: no store has it. */
import { withoutPrefix } from "../../ip/address.ts";
import { hostEnds, interfaceOf } from "../../kernel/hostEnds.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { identityIn, openIfSame } from "../../kernel/namespace.ts";
import type { Link } from "../../netlink/route/link.ts";
import type { Entry } from "../../store/entry.ts";
import { iptablesPorts } from "../ports/iptablesRules.ts";
import { nftChains, nftPorts } from "../ports/nftRules.ts";
import type { PublishedPort } from "../ports/publishedPort.ts";

interface Ends {
  /** The interface in the container. */
  readonly inner?: Link | undefined;
  /** The host's end of it, if it is a veth. */
  readonly outer?: Link | undefined;
}

export function endsOf(entry: Entry): Ends {
  const pod = openIfSame(entry.netnsPath, identityIn(entry));
  if (pod === undefined) return {};
  using kernel = openKernel({ container: pod });
  const { attachment, addresses } = entry;
  const inner = interfaceOf(
    attachment,
    addresses.map(({ address }) => withoutPrefix(address)),
    kernel,
  );
  if (inner === undefined) return {};
  const sight = { pod, own: kernel.host, inside: kernel.route("container"), host: kernel.route("host") };
  return { inner, outer: hostEnds(sight)(inner) };
}

/** The ports that the reference's portmap published, by the address that they lead to. Runs iptables-save where it has a nat table. */
export function theirPorts(kernel: Kernel): (entry: Entry) => PublishedPort[] {
  const chains = nftChains(kernel);
  const all = [...nftPorts(chains, kernel), ...iptablesPorts(chains, kernel)].filter(({ by }) => by === "portmap");
  return ({ addresses }) => {
    const own = new Set(addresses.map(({ address }) => withoutPrefix(address)));
    return all.filter(({ containerAddress = "" }) => own.has(containerAddress));
  };
}
