/** `ns-net network create <name>` */
import { defaultDataDir } from "../../../conf/identity.ts";
import { formatCidr } from "../../../ip/address.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { command } from "../../command.ts";
import { conflistOf } from "../../install/conflist.ts";
import { configurationFolder } from "../../network.ts";
import { createNetwork } from "../../networks/create.ts";
import { hashedBridge, parseSubnets } from "../../networks/flags.ts";
import { networkOptions } from "../options.ts";

/** IFNAMSIZ less the final NUL. */
const linkNameBytesMax = 15;

export default command({
  about: `Create a network: write its configuration into ${configurationFolder}, for add and for runtimes.\nIts bridge is made at the first use.`,
  usage: "<name> [options]",
  operands: [1, 1],
  options: {
    subnet: {
      type: "string",
      value: "CIDR",
      about: "its addresses (may be given twice: IPv4 and IPv6; default: a free one)",
      multiple: true,
    },
    range: { type: "string", value: "FIRST-LAST", about: "only these addresses of the subnet", multiple: true },
    bridge: { type: "string", value: "NAME", about: "the bridge (default: the network's name, if it is short enough)" },
    mtu: { type: "string", value: "BYTES", about: "default: that of the default-route interface" },
    "data-dir": networkOptions["data-dir"],
  },
  more: `
Refused is a subnet that overlaps a route of the host or another network, a bridge that exists, and a known name.
The file's name begins with 90, because runtimes take the first file of the folder as their default network.

  ns-net network create lab --subnet 10.7.0.0/24 --subnet fd07::/64
  ns-net add web --network lab
  podman run --network lab alpine`,

  run({ options, operands }) {
    const name = operands[0]!;
    const { subnet = [], range, mtu, bridge = bridgeFor(name) } = options;
    const subnets = parseSubnets(subnet);
    const { text } = conflistOf({
      ...{ name, bridge, subnet: subnets.map(formatCidr) },
      ...(range && { range }),
      ...(mtu && { mtu }),
    });
    const path = createNetwork({ name, bridge, subnets, text }, options["data-dir"] ?? defaultDataDir);
    writeOut(`wrote ${path}\nattach with: ns-net add NAME --network ${name}\n`);
    return 0;
  },
});

function bridgeFor(name: string): string {
  if (Buffer.byteLength(name) <= linkNameBytesMax) return name;
  return hashedBridge(name);
}
