/** The settings of a VXLAN device that decide where its frames go: IFLA_VXLAN_* (linux/if_link.h). The settings that ns-net itself sends are in vxlan.ts. */
import { attributes, be16, bytes, u8, u32 } from "../../codec.ts";

export const vxlanRead = attributes({
  id: [1, u32],
  /** The other host, or a multicast group, for frames without a forwarding entry. */
  remote: [2, bytes],
  remote6: [16, bytes],
  local: [4, bytes],
  local6: [17, bytes],
  port: [15, be16],
  /** Programs decide on each packet (tc, Open vSwitch). */
  collectsMetadata: [25, u8],
});
