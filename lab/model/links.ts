/** The links of a lab: names of interfaces, and mistakes that concern several parts of the file. */
import { type Cidr, contains, formatAddress, formatCidr, overlaps } from "../../ip/address.ts";
import type { LinkEnd as EndEntry, LabFile, LinkEntry } from "../file/labFile.ts";
import type { Mistake } from "../file/mistakes.ts";
import { suggested } from "../file/reader.ts";
import type { Link, LinkEnd } from "./lab.ts";

/** IFNAMSIZ of linux/if.h, without the closing NUL. */
const linkNameMax = 15;
const mtuDefault = 1500;
/** The kernel refuses these: the settings of all interfaces are called all and default, and the others are folders. */
const notNames = ["all", "default", ".", ".."];

export function linksOf({ links, pods, networks }: LabFile, mistakes: Mistake[]): Link[] {
  const taken = new Map<string, Set<string>>();
  const subnets = networks.flatMap(({ name, subnets }) => subnets.map(({ value }) => ({ owner: name.value, value })));
  for (const { name, networks: joined } of pods)
    taken.set(name.value, new Set(joined.map((_, i) => `eth${i}`).concat("lo", ...notNames)));
  return links.map((link) => {
    for (const { pod } of link.ends) {
      const target = pods.find(({ name }) => name.value === pod.value);
      const names = pods.map(({ name }) => name.value);
      if (target === undefined)
        mistakes.push({ at: pod.at, message: `there is no pod ${pod.value}`, suggestion: suggested(pod.value, names) });
      else if (target.joins)
        mistakes.push({
          at: pod.at,
          message: `${pod.value} joins ${target.joins.value}, and has no links of its own`,
          suggestion: `write ${target.joins.value}`,
        });
    }
    refuseAddresses(link, subnets, mistakes);
    const [one, other] = link.ends;
    return {
      ends: [endOf(one, other.pod.value, taken, mistakes), endOf(other, one.pod.value, taken, mistakes)],
      mtu: link.mtu ?? mtuDefault,
    };
  });
}

/** The interfaces that a pod has by links. */
export function endsOf(links: readonly Link[], pod: string): LinkEnd[] {
  return links.flatMap(({ ends }) => ends.filter((end) => end.pod === pod));
}

/** An interface is named after the pod at the other end; a second one ends in `.2`. */
function endOf(
  { pod, addresses, name }: EndEntry,
  other: string,
  taken: Map<string, Set<string>>,
  mistakes: Mistake[],
): LinkEnd {
  const own = taken.get(pod.value) ?? new Set();
  const given = name?.value ?? freeName(other, own);
  if (name && (!/^[^\s/:]{1,15}$/.test(given) || notNames.includes(given)))
    mistakes.push({
      at: name.at,
      message: `${JSON.stringify(given)} is no name of an interface`,
      suggestion: `at most ${linkNameMax} characters, without blanks, "/" and ":"; not ${notNames.join(", ")}`,
    });
  else if (name && own.has(given))
    mistakes.push({
      at: name.at,
      message: `${pod.value} has an interface ${given} already`,
      suggestion: "choose another name, or leave it out",
    });
  own.add(given);
  return { pod: pod.value, name: given, addresses: addresses.map(({ value }) => value) };
}

function freeName(other: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count++) {
    const end = count === 1 ? "" : `.${count}`;
    const name = `${other.slice(0, linkNameMax - end.length)}${end}`;
    if (!taken.has(name)) return name;
  }
}

/** Both ends need addresses of one subnet, which no network and no other link has. */
function refuseAddresses(
  { ends: [one, other] }: LinkEntry,
  subnets: { owner: string; value: Cidr }[],
  mistakes: Mistake[],
): void {
  for (const { value, at } of other.addresses) {
    const near = one.addresses.filter((near) => near.value.family === value.family);
    if (near.some((near) => near.value.value === value.value))
      mistakes.push({
        at,
        message: `both ends have ${formatAddress(value)}`,
        suggestion: "give each an address of its own",
      });
    else if (near.length > 0 && !near.some((near) => contains(near.value, value)))
      mistakes.push({
        at,
        message: `${formatCidr(value)} is not in the subnet of the other end, ${formatCidr(near[0]!.value)}`,
        suggestion: "give both ends addresses of one subnet",
      });
  }
  for (const { value, at } of [...one.addresses, ...other.addresses]) {
    const known = subnets.find((subnet) => overlaps(subnet.value, value));
    if (known)
      mistakes.push({
        at,
        message: `${formatCidr(value)} overlaps ${formatCidr(known.value)} of ${known.owner}`,
        suggestion: "give each network and each link a subnet of its own",
      });
  }
  const owner = `the link of ${one.pod.value} and ${other.pod.value}`;
  for (const { value } of one.addresses) subnets.push({ owner, value });
}
