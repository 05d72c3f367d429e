/** IFLA_VXLAN_* (linux/if_link.h): the data of a link of kind "vxlan". */
import { attributes, be16, bytes, u8, u32 } from "../../codec.ts";

export const vxlanKind = "vxlan";

export const vxlan = attributes({
  /** VXLAN network identifier (VNI), 24 bits. */
  id: [1, u32],
  /** The index of the link that the outer packets leave by. */
  lower: [3, u32],
  /** The source of outer packets: 4 bytes, in network order. */
  local: [4, bytes],
  /** 0: learns no addresses from what arrives. */
  learning: [7, u8],
  /** UDP. */
  port: [15, be16],
});
