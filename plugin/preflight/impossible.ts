/** Refusals of ADD before it changes anything. */

import { type Attachment, attachmentText } from "../../conf/attachment.ts";
import type { NetworkConfig } from "../../conf/config/config.ts";
import { variableName } from "../../conf/env.ts";
import { code, deleteFirst, Fault, wordsTo } from "../../conf/fault.ts";
import { bridgeKind } from "../../netlink/route/kind/bridge.ts";
import type { Facts } from "../../plan/facts.ts";
import { interfaceType } from "../../plan/types.ts";

/** Refuses an ADD that would fail half-way, before it changes anything. Throws Fault. */
export function refuseImpossible(attachment: Attachment, config: NetworkConfig, facts: Facts): void {
  if (facts.isIfnameTaken) {
    throw new Fault(
      code.environment,
      `Cannot attach ${attachmentText(attachment)}: the container has an interface ${attachment.ifname} already`,
      (audience) => `${wordsTo(audience, deleteFirst)}, or ask for another ${variableName("CNI_IFNAME", audience)}`,
    );
  }
  interfaceType(config.type).refuse?.(config, facts);
  if (facts.bridge && facts.bridge.kind !== bridgeKind) {
    throw noBridge(config.bridge, facts.bridge.kind);
  }
}

export function noBridge(name: string, kind = "device"): Fault {
  return new Fault(
    code.config,
    `Cannot use bridge = ${JSON.stringify(name)}: the host's link of that name is a ${kind}, no bridge`,
    `bridge must be the name of a bridge, or one that no link has; see: ip -d link show ${name}`,
  );
}
