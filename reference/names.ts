/** Names of the reference's plugins (plugins/pkg/utils/utils.go): a hash of the network and the container, of the length that the kernel allows. */
import type { Attachment } from "../conf/attachment.ts";

function hash({ network, container }: Attachment): string {
  return new Bun.CryptoHasher("sha512").update(network + container).digest("hex");
}

const chainLength = 28;
const chain = (prefix: string, attachment: Attachment) => (prefix + hash(attachment)).slice(0, chainLength);

/** The chain of bridge and ptp, with iptables. */
export const masqueradeChain = (attachment: Attachment): string => chain("CNI-", attachment);

/** For bridge and ptp, with nftables: the beginning of the comments of an attachment's rules. */
export function masqueradeComment({ network, container, ifname }: Attachment): string {
  const short = (text: string) => new Bun.CryptoHasher("sha512").update(text).digest("hex").slice(0, 16);
  return `${short(network)}-${short(`${ifname}:${container}`)}`;
}

/** For portmap, with nftables: its table in the families ip and ip6, and the chain of published ports. */
export const nftPortTable = "cni_hostport";
export const nftPortChain = "hostports";

/** NFT_NAME_MAXLEN without the closing NUL. */
const chainBytesMax = 255;

/** The chains of bridge with macspoofchk, in nf_tables' bridge family; those that can be made at all. */
export function spoofChains({ container, ifname }: Attachment): string[] {
  const first = `cni-br-iface-${container}-${ifname}`;
  return [first, `${first}-mac`].filter((name) => Buffer.byteLength(name) <= chainBytesMax);
}

/** The chains of portmap; the second was made by versions before 0.7. */
export const portChains = (attachment: Attachment): string[] => [
  chain("CNI-DN-", attachment),
  chain("CNI-SN-", attachment),
];

/** The chain of portmap that jumps to the first of those for each container with ports. */
export const hostPortChain = "CNI-HOSTPORT-DNAT";

/** The chain of firewall. */
export const acceptChain = "CNI-FORWARD";

/** For bandwidth: the ifb that delays what the container sends. IFNAMSIZ − 1 characters. */
export const shapingLink = (attachment: Attachment): string => `bwp${hash(attachment)}`.slice(0, 15);
