/** IFLA_MACVLAN_* (linux/if_link.h): the data of a link of kind "macvlan". */
import { attributes, u32 } from "../../codec.ts";

export const macvlanKind = "macvlan";

/** MACVLAN_MODE_*. */
export const macvlanMode = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;

export const macvlan = attributes({
  mode: [1, u32],
  /** Packets. The lower device uses the greatest value of its macvlans. */
  broadcastQueueLength: [7, u32],
});
