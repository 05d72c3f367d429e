/**
 * An attachment, as in the specification: one interface of one container on one network. It is the key of everything.
 */
export interface Attachment {
  readonly network: string;
  readonly container: string;
  readonly ifname: string;
}

/** An attachment in words, for messages: `eth0 of container web on network podnet`. Old reservations of others name no interface. */
export function attachmentText({ network, container, ifname }: Attachment): string {
  return `${ifname && `${ifname} of `}container ${container} on network ${network}`;
}
