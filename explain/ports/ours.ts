/** Ports that ns-net published, as its maps in the kernel have them: those are what packets meet. */
import type { Kernel } from "../../kernel/kernel.ts";
import { ownerInMark } from "../../kernel/ownership.ts";
import { listElements } from "../../netlink/nft/element.ts";
import { table } from "../../step/nft/table.ts";
import { mappingIn } from "../../step/ports/elements.ts";
import { portMaps } from "../../step/ports/sets.ts";
import { anyAddressFor, type PublishedPort } from "./publishedPort.ts";

export interface OwnPort extends PublishedPort {
  /** The mark of the attachment (ownerMark). */
  readonly mark: string;
}

export function ourPorts(kernel: Kernel): OwnPort[] {
  return Object.values(portMaps).flatMap(({ name }) =>
    listElements(kernel.netfilter, table, name).map((element) => {
      const { protocol, hostPort, hostIp, target, containerPort } = mappingIn({ ...element, set: name });
      const mark = element.comment ?? "";
      return {
        ...{ protocol, hostAddress: hostIp ?? anyAddressFor(target), hostPort, owner: ownerInMark(mark).container },
        ...{ containerAddress: target, containerPort, by: "ns-net", mark },
      };
    }),
  );
}
