/** The settings of a bridge that decide on frames: IFLA_BR_* (linux/if_link.h). The settings that ns-net itself sends are in bridge.ts. */
import { attributes, u8 } from "../../codec.ts";

export const bridgeRead = attributes({
  vlanFiltering: [7, u8],
  /** br_netfilter for this bridge, whatever the namespace's setting is. */
  callIptables: [36, u8],
  callIp6tables: [37, u8],
});
