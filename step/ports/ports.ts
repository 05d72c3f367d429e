/**
 * Published ports: each is an element of a map (step/ports/rules.ts) with the attachment's mark. Undo needs only the mark,
 * no mappings and no address, and touches no other attachment's elements. A port that another attachment of the same
 * container has waits (waiting.ts).
 */

import type { Attachment } from "../../conf/attachment.ts";
import type { PortMapping } from "../../conf/config/config.ts";
import { onePortEach, portsIn } from "../../conf/config/portRow.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { nftTable, ownerMark } from "../../kernel/ownership.ts";
import { flags, type Message } from "../../netlink/message.ts";
import { addElements, type Element } from "../../netlink/nft/element.ts";
import { hasRules } from "../../netlink/nft/rule.ts";
import { concatenated } from "../../netlink/nft/set.ts";
import { type Difference, type Kind, missing } from "../kind.ts";
import defer * as asRead from "../nft/asRead.ts";
import defer * as marked from "../nft/markedElements.ts";
import { table } from "../nft/table.ts";
import defer * as text from "./commands.ts";
import {
  bySet,
  hairpinsOf,
  type InSet,
  isTableThere,
  isTranslation,
  keysOf,
  keyText,
  mappingIn,
  type Placed,
  presentElements,
  publishedPorts,
  removalOf,
  type TargetedMapping,
  translationOf,
  waitingElements,
} from "./elements.ts";
import { isBeside, isThere, type PortsKey, type PortsStep, placed, sorted } from "./present.ts";
import defer * as ruleset from "./rules.ts";
import { portsChain } from "./sets.ts";
import type { Led } from "./staleFlows.ts";
import defer * as connections from "./staleFlows.ts";
import defer * as waitingPorts from "./waiting.ts";

/** For more ports than this, DEL lists all elements. */
const askedMax = 16;

export const ports: Kind<PortsStep, PortsKey> = {
  rules: {
    missing: (step, kernel) => [
      ...(hasRules(kernel.netfilter, table, portsChain) ? [] : ruleset.portRules()),
      ...additions(placed(step), step),
    ],

    replacing(step, kernel) {
      const { removed, taken } = sorted(step, kernel);
      return [
        ...(ruleset.missingPortRules(kernel).length > 0 ? ruleset.portRules() : []),
        ...removalOf(removed),
        ...(taken.size === 0 ? additions(placed(step), step) : additionsBeside(taken, step)),
      ];
    },

    afterwards({ attachment, mappings }, kernel) {
      const udp = mappings.filter(({ protocol }) => protocol === "udp");
      if (udp.length === 0) return;
      const held = waitingPorts.heldOf(udp, attachment, waitingElements(kernel));
      connections.forget(held.map(ledBy), kernel, "added");
    },
  },

  given: ({ mappings }) => ({ publishes: mappings }),

  undo(key, kernel) {
    const mark = ownerMark(key.attachment);
    removePorts(
      (waiting) => [...elementsAt(key, kernel), ...waiting].filter(({ comment }) => comment === mark),
      kernel,
    );
  },

  leftover: { attachment: (attachment) => ({ attachment }) },

  collect: {
    network(network, kept, kernel) {
      if (!isTableThere(kernel)) return;
      const isUnowned = marked.unowned(network, kept);
      const isMeant = ({ comment = "" }: { readonly comment?: string | undefined }) => isUnowned(comment);
      removePorts((waiting) => [...publishedPorts(kernel), ...waiting].filter(isMeant), kernel);
    },
  },

  check(step, kernel) {
    if (!isThere(kernel)) return missing(`nf_tables chain ${portsChain} in table inet ${nftTable}`);
    const ofAll = kernel.remembered(portsChain, () => ruleset.missingPortRules(kernel));
    return [...ofAll, ...elementDifferences(step, kernel)];
  },

  reason: () => "Ports of the host lead to ports of the container: two look-ups, whatever their number.",

  print: (step, { kernel }) => text.printed(step, kernel),
};

/** The kernel refuses them (EEXIST) if one exists: a leftover, or another attachment's. */
function additions(wanted: readonly Placed[], { attachment }: PortsStep): Message[] {
  const comment = ownerMark(attachment);
  return bySet(wanted).flatMap(([set, of]) =>
    addElements(
      table,
      set,
      of.map(({ element }): Element => ({ ...element, comment })),
      flags.exclusive,
    ),
  );
}

/** Elements of the free ports, and waiting elements for the taken ones. */
function additionsBeside(taken: ReadonlySet<string>, step: PortsStep): Message[] {
  const { attachment, mappings, hairpin } = step;
  const [free, waiting]: [TargetedMapping[], TargetedMapping[]] = [[], []];
  for (const mapping of mappings.flatMap(onePortEach)) (isTaken(mapping, taken) ? waiting : free).push(mapping);
  return [
    ...additions([...free.map(translationOf), ...hairpinsOf(mappings, hairpin)], step),
    ...waitingPorts.waitingAdditions(waiting, attachment),
  ];
}

function isTaken(mapping: TargetedMapping, taken: ReadonlySet<string>): boolean {
  const { set, element } = translationOf(mapping);
  return taken.has(keyText(set, concatenated(element.key)));
}

/** Removes the elements that `find` answers, and gives their ports to the attachments that wait for them, in one batch. */
function removePorts(find: (waiting: readonly InSet[]) => readonly InSet[], kernel: Kernel): void {
  let found: readonly InSet[] = [];
  asRead.batchAsRead(kernel, () => {
    const waiting = waitingElements(kernel);
    found = find(waiting);
    return [...removalOf(found), ...(waiting.length > 0 ? waitingPorts.handedOn(found, waiting) : [])];
  });
  const led = found
    .filter(isTranslation)
    .map(ledIn)
    .filter(({ protocol }) => protocol === udp);
  if (led.length > 0) connections.forget(led, kernel, "removed");
}

/** The existing elements of the key's ports, of any attachment. */
function elementsAt({ mappings, hairpin }: PortsKey, kernel: Kernel): InSet[] {
  if (!mappings || portsIn(mappings) > askedMax) return publishedPorts(kernel);
  return presentElements(placed({ mappings, hairpin }), kernel);
}

const udp = 17;

/** Where the element of a map leads a flow. */
function ledIn({ set, key, value = new Uint8Array(0) }: InSet): Led & { readonly protocol: number } {
  const bytes = set.startsWith("ports6") ? 16 : 4;
  const at = set.endsWith("-at") ? bytes : 0;
  return {
    protocol: key[at]!,
    hostPort: (key[at + 4]! << 8) | key[at + 5]!,
    target: value.subarray(0, bytes),
    containerPort: (value[bytes]! << 8) | value[bytes + 1]!,
    host: at > 0 ? key.subarray(0, bytes) : undefined,
  };
}

function ledBy(mapping: TargetedMapping): Led {
  const { set, element } = translationOf(mapping);
  const [key, value] = [concatenated(element.key), concatenated(element.value!)];
  return { ...ledIn({ set, key, value, comment: undefined }), count: mapping.count ?? 1 };
}

function elementDifferences(step: PortsStep, kernel: Kernel): Difference[] {
  const wanted = placed(step);
  const found = new Map(presentElements(wanted, kernel).map((one) => [keyText(one.set, one.key), one]));
  let waiting: ReadonlySet<string> | undefined;
  const isWaiting = (mapping: TargetedMapping) => {
    waiting ??= new Set(waitingElements(kernel).map(({ set, key }) => keyText(set, key)));
    const { waitingElement, keyTextOf } = waitingPorts;
    return waiting.has(keyTextOf(waitingElement(mapping, step.attachment)));
  };
  return wanted.flatMap((one) => rowDifferences(one, found, step.attachment, isWaiting));
}

/** The first port of a row that differs, and the number of further ones. */
function rowDifferences(
  row: Placed,
  found: ReadonlyMap<string, InSet>,
  attachment: Attachment,
  isWaiting: (mapping: TargetedMapping) => boolean,
): Difference[] {
  const keys = keysOf(row);
  const { value, count = 1 } = row.element;
  const values = value ? keysOf({ ...row, element: { key: value, count } }) : [];
  let first: Difference | undefined;
  let more = 0;
  for (let i = 0; i < keys.length; i++) {
    const one = found.get(keyText(row.set, keys[i]!));
    const isSame = one && (!value || Buffer.compare(one.value ?? Buffer.alloc(0), values[i]!) === 0);
    if (isSame && one.comment === ownerMark(attachment)) continue;
    const mapping = onePortOf(row.mapping, i);
    if (one && value && isBeside(one, attachment) && isWaiting(mapping)) continue;
    if (first) more++;
    else first = differenceOf(row, i, mapping, one, ownerMark(attachment));
  }
  if (!first) return [];
  return [more === 0 ? first : { ...first, what: `${first.what} and ${more} more in a row` }];
}

function onePortOf({ count: _, ...mapping }: TargetedMapping, offset: number): TargetedMapping {
  return { ...mapping, hostPort: mapping.hostPort + offset, containerPort: mapping.containerPort + offset };
}

function differenceOf(
  row: Placed,
  offset: number,
  mapping: TargetedMapping,
  found: InSet | undefined,
  mark: string,
): Difference {
  const isPort = row.element.value !== undefined;
  const what = isPort ? portText(mapping) : `${row.text(offset)[0]} in nf_tables set ${row.set}`;
  if (!found) return missing(what)[0]!;
  const whose = found.comment ?? "no attachment";
  if (!isPort) return { what, expected: `for ${mark}`, found: `for ${whose}` };
  const { target, containerPort } = mappingIn(found);
  const to = (address: string, port: number, owner: string) => `to ${address} port ${port} for ${owner}`;
  return {
    what,
    expected: to(mapping.target, mapping.containerPort, mark),
    found: to(target, containerPort, whose),
  };
}

function portText({ protocol, hostPort, hostIp }: PortMapping): string {
  return `port ${hostPort}/${protocol} of ${hostIp ?? "the host"}`;
}
