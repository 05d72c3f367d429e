/** The last results of tests, by node. Pure. */
import { type Address, formatAddress, parseAddress } from "../../ip/address.ts";
import { shortForm } from "../file/tests.ts";
import type { Lab } from "../model/lab.ts";
import { endsOf } from "../model/links.ts";
import type { TestResult } from "../tests/run.ts";
import type { TestLine, Verdict } from "./diagram.ts";
import { hostIdOf, outsideId, podIdOf } from "./ids.ts";

/** `results` in the order of the lab's tests: null if they did not run, undefined if the lab is down. */
export function testLinesOf(lab: Lab, results: readonly TestResult[] | null | undefined): TestLine[] {
  const unknown = results === undefined ? "none" : "untested";
  return lab.tests.map((test, i) => {
    const result = results?.[i];
    return {
      test: test.title ?? shortForm(test),
      from: nodeNamed(lab, test.from.value, test.from.value),
      to: nodeNamed(lab, test.to.value.name, test.from.value),
      verdict: result === undefined ? unknown : result.passed ? "passed" : "failed",
      why: result && !result.passed ? whyOf(result) : undefined,
    };
  });
}

const whyOf = ({ expected, found, why }: TestResult) =>
  `expected ${expected}, found ${found}${why === null ? "" : ` (${why})`}`;

/** The verdict on a node by the tests from and to it; `otherwise` on one without. */
export function verdictsOf(tests: readonly TestLine[], otherwise: Verdict): (node: string) => Verdict {
  const found = new Map<string, Verdict>();
  for (const { from, to, verdict } of tests)
    for (const node of [from, to]) if (node !== undefined && found.get(node) !== "failed") found.set(node, verdict);
  return (node) => found.get(node) ?? otherwise;
}

/** The node of a name in a test: a pod, `api.back`, `host` (the sender's), a host, `outside`, or an address of one of them. */
function nodeNamed(lab: Lab, name: string, sender: string): string | undefined {
  const address = parseAddress(name);
  if (address) return nodeWith(lab, formatAddress(address));
  if (name === "outside") return outsideId;
  if (name === "host") return hostIdOf(lab.pods.find((pod) => pod.name === sender)?.host ?? lab.hosts[0]!.name);
  if (lab.hosts.some((host) => host.name === name)) return hostIdOf(name);
  const [pod = ""] = name.split(".");
  return podIdOf(pod);
}

function nodeWith({ pods, links, outside, hosts, networks }: Lab, address: string): string | undefined {
  const isIt = (one: Address) => formatAddress(one) === address;
  const pod = pods.find(({ name, interfaces }) =>
    [...interfaces, ...endsOf(links, name)].some(({ addresses }) => addresses.some(isIt)),
  );
  if (pod) return podIdOf(pod.name);
  if (outside?.addresses.some(isIt)) return outsideId;
  const blocks = networks.flatMap((network) => network.blocks);
  const host =
    hosts.find(({ addresses }) => addresses.some(isIt))?.name ??
    blocks.find(({ gateways }) => gateways.some(isIt))?.host;
  return host === undefined ? undefined : hostIdOf(host);
}
