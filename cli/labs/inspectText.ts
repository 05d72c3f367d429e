/** `lab inspect` for people. */
import type { InspectedLab } from "../../lab/supervisor/client.ts";

type Pod = InspectedLab["pods"][number];
type Holder = InspectedLab["hosts"][number];

export function inspectText({ lab, hosts, outside, pods }: InspectedLab): string {
  const others = [...hosts, ...(outside ? [outside] : [])].map((one) => `${headOf(one)}${enterOf(one)}`);
  return [`lab ${lab}\n`, ...others, ...pods.map(podText)].join("\n");
}

const headOf = ({ name, namespace, pid, inode }: Holder) =>
  `${name}  pid ${pid}  net:[${inode}]\n  namespace  ${namespace}\n`;

/** The commands that enter without ns-net. */
const enterOf = ({ pid }: Holder) => `  enter      nsenter --target ${pid} --all\n`;

function podText(pod: Pod): string {
  const lines = pod.interfaces.map(
    ({ name, network, addresses, mac, hostLink }) =>
      `  ${name.padEnd(9)}  ${addresses.join(" ")} on ${network}, ${mac}; host end ${hostLink}\n`,
  );
  const joins = pod.joins === null ? "" : `  joins      ${pod.joins}\n`;
  const publishes = pod.publishes.map((port) => `  publishes  ${port}\n`);
  const serves = pod.serves.map((port) => `  serves     ${port}\n`);
  return [headOf(pod), joins, ...lines, ...publishes, ...serves, enterOf(pod)].join("");
}
