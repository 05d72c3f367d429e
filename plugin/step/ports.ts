/**
 * Published ports: an element of a map each (plugin/portRules.ts), marked with the attachment it belongs to. Undone by
 * that mark, so that neither the mappings nor an address need be known, and no other attachment's element is touched.
 */
import { formatAddress, parseAddress } from "../../conf/address.ts";
import { type Attachment, attachmentText } from "../../conf/attachment.ts";
import { code, Fault } from "../../conf/fault.ts";
import type { PortMapping } from "../../conf/network.ts";
import { errno, isKernelError } from "../../netlink/errors.ts";
import { flags, type Message } from "../../netlink/message.ts";
import { getChain } from "../../netlink/nft/chain.ts";
import { hasRules } from "../../netlink/nft/rule.ts";
import {
  addElements,
  concatenated,
  deleteElements,
  type Element,
  type FoundElement,
  getElement,
  linkNameBytes,
  listElements,
} from "../../netlink/nft/set.ts";
import { hasTable } from "../../netlink/nft/table.ts";
import type { Kernel } from "../kernel.ts";
import { addressBytes, nftTable, ownerMark } from "../names.ts";
import { hairpinSets, portMaps, portsChain } from "../portSets.ts";
import { table } from "../table.ts";
import { type Difference, type Kind, missing } from "./step.ts";
import { shellWord } from "./words.ts";

export interface TargetedMapping extends PortMapping {
  /** The container's address that the port leads to. */
  readonly target: string;
}

export interface PortsStep {
  readonly kind: "ports";
  readonly attachment: Attachment;
  readonly mappings: readonly TargetedMapping[];
  /** The host's interface towards the container, when what returns by it is to be masqueraded. */
  readonly hairpin?: string;
}

export type PortsKey = Pick<PortsStep, "attachment"> & Partial<PortsStep>;

/** An element of a map, or of a set that says what is masqueraded. */
interface Placed {
  readonly set: string;
  readonly key: readonly Uint8Array[];
  readonly value?: readonly Uint8Array[];
  /** As nft has the key, and where it leads. */
  readonly text: readonly [key: string, value?: string];
  readonly mapping: TargetedMapping;
}

export const protocolNumber = { tcp: 6, udp: 17, sctp: 132 } as const;
/** From here on one list of everything costs less than a question for each. */
const askedOneByOneMax = 16;

/** Of a mapping without an address, too. */
export const isAnyAddress = (hostIp: string | undefined) =>
  hostIp === undefined || hostIp === "0.0.0.0" || hostIp === "::";

const bigEndian = (port: number) => Uint8Array.of(port >> 8, port & 0xff);

function translationOf(mapping: TargetedMapping): Placed {
  const { protocol, hostPort, hostIp, containerPort } = mapping;
  const target = parseAddress(mapping.target)!;
  const isExact = !isAnyAddress(hostIp);
  const end = [Uint8Array.of(protocolNumber[protocol]), bigEndian(hostPort)];
  return {
    set: portMaps[`${isExact ? "exact" : "any"}${target.family}`].name,
    key: isExact ? [addressBytes(parseAddress(hostIp!)!), ...end] : end,
    value: [addressBytes(target), bigEndian(containerPort)],
    text: [`${isExact ? `${hostIp} . ` : ""}${protocol} . ${hostPort}`, `${mapping.target} . ${containerPort}`],
    mapping,
  };
}

function hairpinOf(mapping: TargetedMapping, link: string): Placed {
  const { protocol, containerPort } = mapping;
  const target = parseAddress(mapping.target)!;
  return {
    set: hairpinSets[target.family].name,
    key: [
      ...[linkNameBytes(link), Uint8Array.of(protocolNumber[protocol])],
      ...[addressBytes(target), bigEndian(containerPort)],
    ],
    text: [`"${link}" . ${protocol} . ${mapping.target} . ${containerPort}`],
    mapping,
  };
}

function placed({ mappings, hairpin }: Pick<PortsStep, "mappings" | "hairpin">): Placed[] {
  // Several ports of the host may lead to one of the container.
  const hairpins = new Map<string, Placed>();
  for (const mapping of hairpin === undefined ? [] : mappings) {
    const one = hairpinOf(mapping, hairpin!);
    hairpins.set(one.text[0], one);
  }
  return [...mappings.map(translationOf), ...hairpins.values()];
}

export const ports: Kind<PortsStep, PortsKey> = {
  pending: (step, kernel) => [
    ...(hasRules(kernel.netfilter, table, portsChain) ? [] : ruleset().portRules()),
    ...additions(step),
  ],

  rules: (step, kernel) => [
    ...(ruleset().missingPortRules(kernel).length > 0 ? ruleset().portRules() : []),
    ...removalOf(leftovers(step, kernel)),
    ...additions(step),
  ],

  mend({ mappings }, kernel) {
    forgetConnections(mappings, kernel, "added");
  },

  undo(key, kernel) {
    removePorts(ownElements(key, kernel), kernel);
  },

  check(step, kernel) {
    if (!isThere(kernel)) return missing(`nf_tables chain ${portsChain} in table inet ${nftTable}`);
    const mark = ownerMark(step.attachment);
    return [
      ...ruleset().missingPortRules(kernel),
      ...placed(step).flatMap((one) => elementDifferences(one, mark, kernel)),
    ];
  },

  print(step, kernel) {
    const stands = kernel !== undefined && isThere(kernel);
    const isWhole = stands && ruleset().missingPortRules(kernel).length === 0;
    const { portCommands } = require("../portText.ts") as typeof import("../portText.ts");
    return [
      ...(isWhole ? [] : portCommands(stands)),
      ...placed(step).map(({ set, text: [key, value] }) => {
        const element = `{ ${key} comment "${ownerMark(step.attachment)}"${value === undefined ? "" : ` : ${value}`} }`;
        return `nft add element inet ${nftTable} ${set} ${shellWord(element)}`;
      }),
    ];
  },
};

/** Asked for only where they do not stand, or are compared. */
const ruleset = () => require("../portRules.ts") as typeof import("../portRules.ts");

/** Refused (EEXIST) where one is there: by what an attachment left that is gone, or is another's. */
function additions(step: PortsStep): Message[] {
  const comment = ownerMark(step.attachment);
  return bySet(placed(step)).flatMap(([set, of]) =>
    addElements(
      table,
      set,
      of.map(({ key, value }): Element => ({ key, comment, ...(value && { value }) })),
      flags.exclusive,
    ),
  );
}

function elementDifferences({ set, key, value, text, mapping }: Placed, mark: string, kernel: Kernel): Difference[] {
  const found = getElement(kernel.netfilter, table, set, concatenated(key));
  const what = value ? portText(mapping) : `${text[0]} in nf_tables set ${set}`;
  if (!found) return missing(what);
  const isSame = !value || Buffer.compare(found.value ?? Buffer.alloc(0), concatenated(value)) === 0;
  if (isSame && found.comment === mark) return [];
  const whose = found.comment ?? "nobody";
  if (!value) return [{ what, expected: `for ${mark}`, found: `for ${whose}` }];
  const { target, containerPort } = mappingIn({ set, ...found });
  const to = (address: string, port: number, owner: string) => `to ${address} port ${port} for ${owner}`;
  const expected = to(mapping.target, mapping.containerPort, mark);
  return [{ what, expected, found: to(target, containerPort, whose) }];
}

function portText({ protocol, hostPort, hostIp }: PortMapping): string {
  return `port ${hostPort}/${protocol} of ${hostIp ?? "the host"}`;
}

type InSet = FoundElement & { readonly set: string };

function bySet<T extends { readonly set: string }>(all: readonly T[]): [set: string, of: T[]][] {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(one.set, [...(groups.get(one.set) ?? []), one]);
  return [...groups];
}

function removalOf(found: readonly InSet[]) {
  return bySet(found).flatMap(([set, of]) =>
    deleteElements(
      table,
      set,
      of.map(({ key }) => key),
    ),
  );
}

export function removePorts(found: readonly InSet[], kernel: Kernel): void {
  if (found.length === 0) return;
  try {
    kernel.batch(removalOf(found));
  } catch (error) {
    if (!isKernelError(error, errno.ENOENT)) throw error; // another DEL was first
  }
  forgetConnections(found.filter(isTranslation).map(mappingIn), kernel, "removed");
}

function ownElements({ attachment, mappings, hairpin }: PortsKey, kernel: Kernel): InSet[] {
  const found =
    mappings && mappings.length <= askedOneByOneMax
      ? standing(placed({ mappings, ...(hairpin !== undefined && { hairpin }) }), kernel)
      : publishedPorts(kernel);
  return found.filter(({ comment }) => comment === ownerMark(attachment));
}

function standing(elements: readonly Placed[], kernel: Kernel): InSet[] {
  return elements.flatMap(({ set, key }) => {
    const found = getElement(kernel.netfilter, table, set, concatenated(key));
    return found ? [{ ...found, set }] : [];
  });
}

const isThere = (kernel: Kernel) => isTableThere(kernel) && getChain(kernel.netfilter, table, portsChain) !== undefined;

/** The maps may be an earlier version's, whose rules went by another name. */
function isTableThere(kernel: Kernel): boolean {
  try {
    return hasTable(kernel.netfilter, table);
  } catch (error) {
    // Where there is no nf_tables there can be no rule of ours.
    if (isKernelError(error, errno.EINVAL, errno.EOPNOTSUPP)) return false;
    throw error;
  }
}

/** Of every published port of the host, whoever it belongs to, all elements. */
export function publishedPorts(kernel: Kernel): InSet[] {
  if (!isTableThere(kernel)) return [];
  return [...Object.values(portMaps), ...Object.values(hairpinSets)].flatMap(({ name: set }) =>
    listElements(kernel.netfilter, table, set).map((one) => ({ ...one, set })),
  );
}

const isTranslation = ({ value }: InSet) => value !== undefined;

/** The store gave us the port, so what stands in the kernel is of an attachment that is gone; a link that stands says otherwise. */
function leftovers(step: PortsStep, kernel: Kernel): InSet[] {
  const found = standing(placed(step), kernel);
  const mark = ownerMark(step.attachment);
  for (const one of found) {
    const [link = ""] = (one.comment ?? "").split(" ");
    if (one.comment === mark || !isTranslation(one) || !kernel.link("host", link)) continue;
    const { protocol, hostPort } = mappingIn(one);
    throw new Fault(
      code.tryAgain,
      `Cannot publish port ${hostPort}/${protocol} for ${attachmentText(step.attachment)}: it is published for ${one.comment}`,
      `Delete that attachment, or take its port away with: nft delete element inet ${nftTable} ${one.set} '{ ${protocol} . ${hostPort} }'`,
    );
  }
  return found;
}

/** What an element says, read back. */
export function mappingIn({ set, key, value = new Uint8Array(20) }: InSet): TargetedMapping {
  const bytes = set.startsWith("ports6") ? 16 : 4;
  const at = set.endsWith("-at") ? bytes : 0;
  const text = (raw: Uint8Array) =>
    formatAddress({ family: bytes === 4 ? 4 : 6, value: BigInt(`0x${Buffer.from(raw).toString("hex")}`) });
  const number = key[at]!;
  return {
    protocol: number === protocolNumber.udp ? "udp" : number === protocolNumber.tcp ? "tcp" : "sctp",
    hostPort: (key[at + 4]! << 8) | key[at + 5]!,
    ...(at > 0 && { hostIp: text(key.subarray(0, bytes)) }),
    target: text(value.subarray(0, bytes)),
    containerPort: (value[bytes]! << 8) | value[bytes + 1]!,
  };
}

/** Connection tracking remembers where a UDP flow went, and would send it there past the new rules. */
function forgetConnections(mappings: readonly TargetedMapping[], kernel: Kernel, when: "added" | "removed"): void {
  const udp = mappings.filter(({ protocol }) => protocol === "udp");
  if (udp.length > 0) (require("../connections.ts") as typeof import("../connections.ts")).forget(udp, kernel, when);
}
