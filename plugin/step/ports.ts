/**
 * Published ports: an element of a map each (plugin/portRules.ts), marked with the attachment it belongs to. Undone by
 * that mark, so that neither the mappings nor an address need be known, and no other attachment's element is touched.
 */
import { formatAddress, parseAddress } from "../../conf/address.ts";
import { type Attachment, attachmentText } from "../../conf/attachment.ts";
import { code, Fault } from "../../conf/fault.ts";
import type { PortMapping } from "../../conf/network.ts";
import { errno, isKernelError } from "../../netlink/errors.ts";
import type { Message } from "../../netlink/message.ts";
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
import type { Kernel } from "../kernel.ts";
import { addressBytes, nftTable, ownerMark } from "../names.ts";
import { hairpinSet, portMaps, portRules, portsChain, rulesOfPorts } from "../portRules.ts";
import { table } from "../table.ts";
import { missingRules } from "./chainRules.ts";
import { type Kind, missing } from "./step.ts";
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

interface Placed {
  readonly set: string;
  readonly key: readonly Uint8Array[];
  readonly value: readonly Uint8Array[];
  readonly mapping: TargetedMapping;
}

export const protocolNumber = { tcp: 6, udp: 17, sctp: 132 } as const;
/** From here on one list of everything costs less than a question for each. */
const askedOneByOneMax = 16;

/** Of a mapping without an address, too. */
export const isAnyAddress = (hostIp: string | undefined) =>
  hostIp === undefined || hostIp === "0.0.0.0" || hostIp === "::";

const bigEndian = (port: number) => Uint8Array.of(port >> 8, port & 0xff);

function placed(mapping: TargetedMapping): Placed {
  const target = parseAddress(mapping.target)!;
  const isExact = !isAnyAddress(mapping.hostIp);
  const end = [Uint8Array.of(protocolNumber[mapping.protocol]), bigEndian(mapping.hostPort)];
  return {
    set: portMaps[`${isExact ? "exact" : "any"}${target.family}`].name,
    key: isExact ? [addressBytes(parseAddress(mapping.hostIp!)!), ...end] : end,
    value: [addressBytes(target), bigEndian(mapping.containerPort)],
    mapping,
  };
}

export const ports: Kind<PortsStep, PortsKey> = {
  pending: (step, kernel) => [
    ...(hasRules(kernel.netfilter, table, portsChain) ? [] : portRules()),
    ...elementsOf(step, step.mappings.map(placed)),
  ],

  rules(step, kernel) {
    const elements = step.mappings.map(placed);
    return [
      ...(missingRules(table, rulesOfPorts(), kernel).length > 0 ? portRules() : []),
      ...removalOf(leftovers(elements, step.attachment, kernel)),
      ...elementsOf(step, elements),
    ];
  },

  mend({ mappings }, kernel) {
    forgetConnections(mappings, kernel, "added");
  },

  undo({ attachment, mappings }, kernel) {
    removePorts(ownElements(attachment, mappings, kernel), kernel);
  },

  check({ attachment, mappings, hairpin }, kernel) {
    if (!isThere(kernel)) return missing(`nf_tables chain ${portsChain} in table inet ${nftTable}`);
    const lost = mappings.flatMap((mapping) => {
      const { set, key, value } = placed(mapping);
      const found = getElement(kernel.netfilter, table, set, concatenated(key));
      if (!found) return missing(portText(mapping));
      const expected = `to ${mapping.target} port ${mapping.containerPort} for ${ownerMark(attachment)}`;
      const isSame = Buffer.compare(found.value ?? Buffer.alloc(0), concatenated(value)) === 0;
      if (isSame && isOf(found, attachment)) return [];
      const { target, containerPort } = mappingIn({ set, ...found });
      const whose = found.comment ?? "nobody";
      return [{ what: portText(mapping), expected, found: `to ${target} port ${containerPort} for ${whose}` }];
    });
    return [
      ...missingRules(table, rulesOfPorts(), kernel),
      ...lost,
      ...(hairpin === undefined || isHairpin(hairpin, kernel)
        ? []
        : missing(`${hairpin} in nf_tables set ${hairpinSet.name}`)),
    ];
  },

  print: ({ attachment, mappings, hairpin }, kernel) => [
    ...(kernel && isThere(kernel) && missingRules(table, rulesOfPorts(), kernel).length === 0
      ? []
      : (require("../portText.ts") as typeof import("../portText.ts")).portCommands(
          kernel !== undefined && isThere(kernel),
        )),
    ...mappings.map(placed).map(({ set, mapping: { protocol, hostPort, hostIp, target, containerPort } }) => {
      const key = `${set.endsWith("-at") ? `${hostIp} . ` : ""}${protocol} . ${hostPort}`;
      const element = `{ ${key} comment "${ownerMark(attachment)}" : ${target} . ${containerPort} }`;
      return `nft add element inet ${nftTable} ${set} ${shellWord(element)}`;
    }),
    ...(hairpin
      ? [`nft add element inet ${nftTable} ${hairpinSet.name} ${shellWord(`{ "${hairpin}" . "${hairpin}" }`)}`]
      : []),
  ],
};

function elementsOf({ attachment, hairpin }: PortsStep, elements: readonly Placed[]): Message[] {
  const comment = ownerMark(attachment);
  return [
    ...bySet(elements).flatMap(([set, of]) =>
      addElements(
        table,
        set,
        of.map((one): Element => ({ ...one, comment })),
      ),
    ),
    ...(hairpin ? addElements(table, hairpinSet.name, [{ key: pairOf(hairpin) }]) : []),
  ];
}

function pairOf(hairpin: string): Uint8Array[] {
  return [linkNameBytes(hairpin), linkNameBytes(hairpin)];
}

function isHairpin(hairpin: string, kernel: Kernel): boolean {
  return getElement(kernel.netfilter, table, hairpinSet.name, concatenated(pairOf(hairpin))) !== undefined;
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

function isOf({ comment }: FoundElement, attachment: Attachment): boolean {
  return comment === ownerMark(attachment);
}

export function removePorts(found: readonly InSet[], kernel: Kernel): void {
  if (found.length === 0) return;
  try {
    kernel.batch(removalOf(found));
  } catch (error) {
    if (!isKernelError(error, errno.ENOENT)) throw error; // another DEL was first
  }
  forgetConnections(found.map(mappingIn), kernel, "removed");
}

function ownElements(attachment: Attachment, mappings: PortsKey["mappings"], kernel: Kernel): InSet[] {
  const found =
    mappings && mappings.length <= askedOneByOneMax ? standing(mappings.map(placed), kernel) : publishedPorts(kernel);
  return found.filter((one) => isOf(one, attachment));
}

function standing(elements: readonly Placed[], kernel: Kernel): InSet[] {
  return elements.flatMap(({ set, key }) => {
    const found = getElement(kernel.netfilter, table, set, concatenated(key));
    return found ? [{ ...found, set }] : [];
  });
}

function isThere(kernel: Kernel): boolean {
  try {
    return getChain(kernel.netfilter, table, portsChain) !== undefined;
  } catch (error) {
    // Where there is no nf_tables there can be no rule of ours.
    if (isKernelError(error, errno.EINVAL, errno.EOPNOTSUPP)) return false;
    throw error;
  }
}

/** Every published port of the host, whoever it belongs to. */
export function publishedPorts(kernel: Kernel): InSet[] {
  if (!isThere(kernel)) return [];
  return Object.values(portMaps).flatMap(({ name: set }) =>
    listElements(kernel.netfilter, table, set).map((one) => ({ ...one, set })),
  );
}

/** The store gave us the port, so what stands in the kernel is of an attachment that is gone; a link that stands says otherwise. */
function leftovers(elements: readonly Placed[], attachment: Attachment, kernel: Kernel): InSet[] {
  const found = standing(elements, kernel);
  for (const one of found) {
    const [link = ""] = (one.comment ?? "").split(" ");
    if (isOf(one, attachment) || !kernel.link("host", link)) continue;
    const { protocol, hostPort } = mappingIn(one);
    throw new Fault(
      code.tryAgain,
      `Cannot publish port ${hostPort}/${protocol} for ${attachmentText(attachment)}: it is published for ${one.comment}`,
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
