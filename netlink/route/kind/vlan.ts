/** IFLA_VLAN_* (linux/if_link.h): the data of a link of kind "vlan". */
import { attributes, u16 } from "../../codec.ts";

export const vlanKind = "vlan";

export const vlan = attributes({ id: [1, u16] });
