/** Ports that ns-net published, as its maps in the kernel have them: those are what packets meet. */
import type { Kernel } from "../../kernel/kernel.ts";
import { ownerInMark, ownerMark } from "../../kernel/ownership.ts";
import { listElements } from "../../netlink/nft/element.ts";
import { committedSteps } from "../../plugin/removal/entrySteps.ts";
import { givenBy, stepsOf } from "../../step/index.ts";
import { table } from "../../step/nft/table.ts";
import { mappingIn, waitingElements } from "../../step/ports/elements.ts";
import { portMaps } from "../../step/ports/sets.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import { anyAddressFor, type PublishedPort } from "./publishedPort.ts";

export interface OwnPort extends PublishedPort {
  /** The mark of the attachment (ownerMark). */
  readonly mark: string;
}

/** Attachments of the store that should have published ports, and have none in the kernel: something flushed the rules. */
export function withoutTheirPorts(store: Store, published: readonly OwnPort[], kernel: Kernel): Entry[] {
  const waiting = waitingElements(kernel).map(({ comment = "" }) => comment);
  const marks = new Set([...published.map(({ mark }) => mark), ...waiting]);
  return store.entries().filter((entry) => {
    if (entry.state !== "attached" || marks.has(ownerMark(entry.attachment))) return false;
    const steps = entry.hasChained ? committedSteps(entry, store).flat() : stepsOf(entry);
    return steps.some((step) => (givenBy(step).publishes ?? []).length > 0);
  });
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
