/** Parts of a pod as the file writes them. Pure. */
import { formatAddress } from "../../ip/address.ts";
import type { Pod } from "../model/lab.ts";

/** `http:80` */
export const servesOf = ({ serve }: Pod) => serve.map(({ kind, port }) => `${kind}:${port}`);

/** `8080:80`, `127.0.0.1:53:53/udp` */
export function publishesOf({ publish }: Pod): string[] {
  return publish.map(({ protocol, hostAddress, hostPort, podPort }) => {
    const text = hostAddress && formatAddress(hostAddress);
    const address = text === undefined ? "" : `${text.includes(":") ? `[${text}]` : text}:`;
    return `${address}${hostPort}:${podPort}${protocol === "tcp" ? "" : `/${protocol}`}`;
  });
}
