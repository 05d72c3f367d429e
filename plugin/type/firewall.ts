/** `firewall`: lets a container's packets through where the host drops what it forwards. */
import { type ChainedType, containerAddresses } from "../chained.ts";

const adminChain = "CNI-ADMIN";

export const firewall: ChainedType = {
  plan({ attachment, features, prev }) {
    const addresses = containerAddresses(attachment.ifname, prev).map((cidr) => cidr.replace(/\/.*/, ""));
    if (addresses.length === 0) return { steps: [], result: prev };
    return {
      steps: [{ kind: "accept", attachment, addresses, adminChain: features.adminChain ?? adminChain }],
      result: prev,
    };
  },

  removals: (attachment) => [{ kind: "accept", attachment }],
};
