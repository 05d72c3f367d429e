/** IFLA_VRF_* (linux/if_link.h): the data of a link of kind "vrf". */
import { attributes, u32 } from "../../codec.ts";

export const vrfKind = "vrf";

export const vrf = attributes({
  /** The routing table of its ports. */
  table: [1, u32],
});
