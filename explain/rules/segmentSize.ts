/** Finds rules that lower the maximum segment size of TCP connections: `tcp option maxseg size set rt mtu`, TCPMSS. */
import { extensionHeader, target } from "../../netlink/nft/read/expressions.ts";
import type { Ruleset } from "../../netlink/nft/read/ruleset.ts";

export const changesSegmentSize = (ruleset: Ruleset): boolean =>
  ruleset.chains.some((chain) =>
    ruleset.rules(chain).some(({ expressions = [] }) =>
      expressions.some(({ name, data }) => {
        if (data === undefined) return false;
        // One that sets an option loads nothing into a register.
        if (name === "exthdr") return extensionHeader.get(data).destination === undefined;
        return name === "target" && target.get(data).name === "TCPMSS";
      }),
    ),
  );
