/** The configuration that install writes, from its options. */

import { existsSync, readFileSync } from "node:fs";
import { code, Fault } from "../../conf/fault.ts";
import { parseRequest } from "../../conf/parse.ts";
import { familyOf } from "../../ip/address.ts";
import { stdinOf } from "../target.ts";

export interface Wanted {
  readonly name?: string;
  readonly bridge?: string;
  readonly subnet?: readonly string[];
  readonly "pod-cidr"?: string;
  readonly range?: readonly string[];
  readonly mtu?: string;
}

/** containerd 1.6 and podman 4.3 refuse a list of version 1.1.0. */
const conflistVersion = "1.0.0";

/** Throws the Fault of an ADD with this configuration, before anything is written. */
export function conflistOf(wanted: Wanted): { readonly name: string; readonly text: string } {
  const { name = "podnet", bridge = "cni0", mtu } = wanted;
  const subnets = [...(wanted.subnet ?? []), ...podCidrs(wanted["pod-cidr"])];
  const ranges = subnets.map((subnet) => [{ subnet }]) as Record<string, string>[][];
  for (const range of wanted.range ?? []) {
    const [rangeStart, rangeEnd] = range.split("-");
    const family = familyOf(range);
    const set = ranges.find(([first]) => familyOf(first!["subnet"]!) === family);
    if (!set || !rangeStart || !rangeEnd) {
      throw new Fault(
        code.config,
        `Cannot use --range ${range}`,
        "Give FIRST-LAST, and the --subnet of the same family that it is a part of",
      );
    }
    Object.assign(set[0]!, { rangeStart, rangeEnd });
  }
  const plugin = {
    type: "ns-net",
    bridge,
    isDefaultGateway: true,
    ipMasq: true,
    mtu: mtu && (/^\d+$/.test(mtu) ? Number(mtu) : mtu),
    ipam: ranges.length > 0 ? { type: "ns-net", ranges } : undefined,
    // With a static address podman 4.3 gives the first plugin of a list `ips` alone, and no ports, unless it declares `ips`.
    capabilities: { portMappings: true, bandwidth: true, ips: true, mac: true },
  };
  const environment = { CNI_COMMAND: "ADD", CNI_CONTAINERID: "install", CNI_NETNS: "/", CNI_IFNAME: "eth0" };
  try {
    parseRequest({ ...environment, CNI_PATH: "/" }, stdinOf({ cniVersion: conflistVersion, name, ...plugin }));
  } catch (error) {
    throw error instanceof Fault ? inOptions(error, wanted) : error;
  }
  return {
    name,
    text: `${JSON.stringify({ cniVersion: conflistVersion, name, plugins: [plugin] }, null, 2)}\n`,
  };
}

const byHand = { byHand: true };

/** Replaces the keys of the configuration by the options that gave them. */
function inOptions(fault: Fault, { subnet = [] }: Wanted): Fault {
  const named = (text: string) =>
    text
      .replace(/\bipam\.ranges\[(\d+)\]\[0\]\.subnet/g, (_, index) =>
        Number(index) < subnet.length ? "--subnet" : "--pod-cidr",
      )
      .replace(/\bipam\.ranges\[\d+\]\[0\]\.range(Start|End)/g, "--range")
      .replace(/^(Cannot use )?(name|bridge|mtu)\b/, "$1--$2");
  return new Fault(fault.code, named(fault.sentence(byHand)), named(fault.cure(byHand)));
}

/** The CIDRs of a node as Kubernetes writes them (`10.1.2.0/24,fd00:1:2::/64`), or a file with them. */
function podCidrs(given: string | undefined): string[] {
  if (given === undefined) return [];
  const text = given.startsWith("/") && existsSync(given) ? readFileSync(given, "utf8") : given;
  return text.split(/[\s,]+/).filter(Boolean);
}
