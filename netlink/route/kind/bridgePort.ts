/** IFLA_BRPORT_* (linux/if_link.h): a link that is a port of a bridge. */
import { attributes, type Codec, u8, u16, u32, type Values } from "../../codec.ts";

const table = attributes({
  /** BR_STATE_*: 0 disabled, 3 forwarding. */
  state: [1, u8],
  priority: [2, u16],
  cost: [3, u32],
  /** Frames may leave by the port they came in by. */
  hairpin: [4, u8],
  learning: [8, u8],
  unicastFlood: [9, u8],
  multicastFlood: [27, u8],
  broadcastFlood: [30, u8],
  /** Isolated ports do not talk to one another. */
  isolated: [33, u8],
});

export type BridgePort = Values<(typeof table)["table"]>;
export const bridgePort: Codec<BridgePort> = table;
