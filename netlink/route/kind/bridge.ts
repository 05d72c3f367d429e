/** IFLA_BR_* (linux/if_link.h): the data of a link of kind "bridge". */
import { attributes, u8, u16, u32 } from "../../codec.ts";

export const bridgeKind = "bridge";

export const bridge = attributes({
  /** In hundredths of a second (USER_HZ). */
  forwardDelay: [1, u32],
  stpState: [5, u32],
  vlanFiltering: [7, u8],
  groupForwardMask: [9, u16],
  multicastSnooping: [23, u8],
  defaultVlan: [39, u16],
});
