/** Names that the reference's plugins give (plugins/pkg/utils/utils.go): a hash of the network and the container, in whatever length there is room for. */
import type { Attachment } from "../conf/attachment.ts";

function hash({ network, container }: Attachment): string {
  return new Bun.CryptoHasher("sha512").update(network + container).digest("hex");
}

const chainLength = 28;
const chain = (prefix: string, attachment: Attachment) => (prefix + hash(attachment)).slice(0, chainLength);

/** Of bridge and ptp. */
export const masqueradeChain = (attachment: Attachment): string => chain("CNI-", attachment);

/** Of bridge and ptp with nftables: how the comment of each of an attachment's rules begins. */
export function masqueradeComment({ network, container, ifname }: Attachment): string {
  const short = (text: string) => new Bun.CryptoHasher("sha512").update(text).digest("hex").slice(0, 16);
  return `${short(network)}-${short(`${ifname}:${container}`)}`;
}

/** Of portmap with nftables: its table in the families ip and ip6, and the chain of what it publishes. */
export const nftPortTable = "cni_hostport";
export const nftPortChain = "hostports";

/** NFT_NAME_MAXLEN less the closing NUL. */
const chainBytesMax = 255;

/** Of bridge with macspoofchk, in nf_tables' bridge family; those that can be made at all. */
export function spoofChains({ container, ifname }: Attachment): string[] {
  const first = `cni-br-iface-${container}-${ifname}`;
  return [first, `${first}-mac`].filter((name) => Buffer.byteLength(name) <= chainBytesMax);
}

/** Of portmap; the second was made by versions before 0.7. */
export const portChains = (attachment: Attachment): string[] => [
  chain("CNI-DN-", attachment),
  chain("CNI-SN-", attachment),
];

/** Of portmap: jumps to the first of those for each container that has ports. */
export const hostPortChain = "CNI-HOSTPORT-DNAT";

/** Of firewall. */
export const acceptChain = "CNI-FORWARD";

/** Of bandwidth: the device that holds back what the container sends. IFNAMSIZ − 1. */
export const shapingLink = (attachment: Attachment): string => `bwp${hash(attachment)}`.slice(0, 15);
