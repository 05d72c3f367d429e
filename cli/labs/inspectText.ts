/** `lab inspect` for people. */
import type { InspectedLab } from "../../lab/supervisor/client.ts";

type Pod = InspectedLab["pods"][number];
type Holder = InspectedLab["hosts"][number];

export function inspectText({ lab, hosts, outside, pods }: InspectedLab): string {
  const others = [...hosts, ...(outside ? [outside] : [])].map((one) => `${headOf(one)}${enterOf(one)}`);
  return [`lab ${lab}\n`, ...others, ...pods.map(podText)].join("\n");
}

const kinds = "--mount --uts --ipc --net --pid";

const headOf = ({ name, namespace, pid, inode }: Holder) =>
  `${name}  ${pid === 0 ? "dead" : `pid ${pid}`}  net:[${inode}]\n  namespace  ${namespace}\n`;

/** The command that enters without ns-net; none where no process is. An ordinary user enters the user namespace, too, and stays the same user there. */
const enterOf = ({ pid }: Holder) =>
  pid === 0 ? "" : `  enter      nsenter --target ${pid} ${isRoot() ? "" : "--user --preserve-credentials "}${kinds}\n`;

const isRoot = () => process.geteuid!() === 0;

function podText(pod: Pod): string {
  const lines = pod.interfaces.map(
    ({ name, network, addresses, mac, hostLink }) =>
      `  ${name.padEnd(9)}  ${addresses.join(" ")} ${network === null ? `on a link, ${mac}` : `on ${network}, ${mac}; host end ${hostLink}`}\n`,
  );
  const joins = pod.joins === null ? "" : `  joins      ${pod.joins}\n`;
  const publishes = pod.publishes.map((port) => `  publishes  ${port}\n`);
  const serves = pod.serves.map((port) => `  serves     ${port}\n`);
  return [headOf(pod), joins, ...lines, ...publishes, ...serves, enterOf(pod)].join("");
}
