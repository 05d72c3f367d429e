/** The words of a person for a side of the question: a namespace, a pod, a container, `host`, `outside`, an address. */

import { readdirSync } from "node:fs";
import { nearest } from "../../conf/nearest.ts";
import { everyContainer } from "../../explain/containers/find.ts";
import type { Site } from "../../explain/path/site/site.ts";
import type { Party } from "../../explain/path/world.ts";
import { parseAddress } from "../../ip/address.ts";
import { addressBytes } from "../../ip/bytes.ts";
import { openIfPresent } from "../../kernel/namespace.ts";
import defer * as client from "../../lab/supervisor/client.ts";
import { listRoutes, mainTable } from "../../netlink/route/route.ts";
import type { Entry } from "../../store/entry.ts";
import { netnsFolder } from "../../sys/netns.ts";
import { UsageError } from "../command.ts";
import { typedCure } from "../labs/cures.ts";
import { targetOf } from "../target.ts";
import { commandAgain } from "./again.ts";
import type { Machine } from "./machine.ts";

/** Throws UsageError for words that nothing has. */
export function partyOf(words: string, machine: Machine, side: "sender" | "receiver"): Party {
  if (words === "host") return { is: "site", name: words, site: machine.host };
  if (words === "outside") return outsideOf(machine, side);
  const address = parseAddress(words);
  if (address !== undefined) {
    const bytes = addressBytes(address);
    return { is: "address", name: words, address: bytes, site: machine.siteWith(bytes) };
  }
  const { path, spec } = targetOf(words);
  const netns = openIfPresent(path);
  if (netns !== undefined) return { is: "site", name: words, site: machine.site(netns, spec) };
  const entry = machine.entries.find((one) => isOf(one, words));
  const attached = openIfPresent(entry?.netnsPath ?? "");
  if (attached !== undefined) return { is: "site", name: words, site: machine.site(attached, spec) };
  if (entry !== undefined)
    return { is: "gone", name: words, where: `namespace ${words}`, cure: commandAgain(entry) || "ns-net gc" };
  throw new UsageError(`there is no namespace, pod or container ${words}; ${hintAt(words, machine)}`);
}

/** A name such as `example.com`: no namespace that a person names has one of these. */
const dnsName = /^localhost$|^[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\.?$/i;

/** Undefined if no lab that is up has it. */
export function labHint(words: string): string | undefined {
  const labs = client.labsWith(words);
  return labs.length === 0 ? undefined : `the lab ${labs.join(" or ")} has ${words}: add --lab ${labs[0]}`;
}

function hintAt(words: string, machine: Machine): string {
  const inLab = labHint(words);
  if (inLab !== undefined) return inLab;
  const meant = nearest(words, knownWords(machine));
  if (meant !== undefined) return `did you mean ${meant}?`;
  if (dnsName.test(words)) return "names of DNS are not looked up: give an address";
  return `see what is there with: ${typedCure("ns-net ns ls")}`;
}

/**
 * Whatever the default route leads to: in a lab the namespace `outside`, or another namespace of this machine behind a veth.
 * Elsewhere it is not on this machine.
 */
function outsideOf(machine: Machine, side: "sender" | "receiver"): Party {
  const netns = openIfPresent(`${netnsFolder}/outside`);
  const named = netns && machine.site(netns, "outside");
  if (named && (side === "sender" || isDefaultGateway(machine, named)))
    return { is: "site", name: "outside", site: named };
  const behind = side === "sender" ? behindDefaultRoute(machine) : undefined;
  return behind ? { is: "site", name: "outside", site: behind } : { is: "outside", name: "outside" };
}

/** AF_INET, AF_INET6. */
const families = [2, 10];

const defaultRoutes = ({ host }: Machine) =>
  families
    .flatMap((family) => listRoutes(host.route, family, { table: mainTable }))
    .filter(({ dstLength }) => dstLength === 0);

const isDefaultGateway = (machine: Machine, site: Site) =>
  defaultRoutes(machine).some(({ gateway }) => gateway !== undefined && site.holds(gateway));

/** The namespace that has the default gateway's address, at the other end of a veth. */
function behindDefaultRoute(machine: Machine): Site | undefined {
  for (const { gateway, outIndex } of defaultRoutes(machine)) {
    const link = outIndex === undefined ? undefined : machine.host.link(outIndex);
    const peer = link && machine.peerOf(machine.host, link);
    if (peer && gateway && peer.site.holds(gateway)) return peer.site;
  }
  return undefined;
}

function isOf({ attachment, podNamespace, podName, netnsPath }: Entry, words: string): boolean {
  return (
    attachment.container === words ||
    netnsPath === words ||
    netnsPath === `${netnsFolder}/${words}` ||
    (podName !== undefined && `${podNamespace ?? ""}/${podName}` === words)
  );
}

function* knownWords(machine: Machine): Generator<string> {
  yield* ["host", "outside"];
  for (const { attachment, podNamespace, podName } of machine.entries) {
    yield podName === undefined ? attachment.container : `${podNamespace ?? ""}/${podName}`;
  }
  try {
    yield* readdirSync(netnsFolder);
  } catch {
    // There is no such folder.
  }
  for (const { names } of everyContainer()) for (const name of names) yield `container:${name}`;
}
