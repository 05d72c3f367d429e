/** `ipam: {}`: no addresses, only the entry. */
import type { NoIpamConfig } from "../conf/config/config.ts";
import type { Ipam } from "./ipam.ts";
import { requireAddresses } from "./requireAddresses.ts";

export const none: Ipam<NoIpamConfig> = {
  acquire({ entry, store, mayTakeOver }) {
    const { made, before } = store.begin(entry, (existing) => {
      if (existing) mayTakeOver?.(existing);
      return existing ? "keep" : { addresses: [], reserved: [] };
    });
    return { addresses: [], routes: [], made, before };
  },

  release({ attachment }, store) {
    store?.remove(attachment);
  },

  check({ attachment }, _config, store) {
    // A later plugin of the chain may give addresses. Only the entry counts here.
    requireAddresses(attachment, store.find(attachment)?.addresses, []);
  },

  status() {},
};
