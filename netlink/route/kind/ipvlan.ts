/** IFLA_IPVLAN_* (linux/if_link.h): the data of a link of kind "ipvlan". */
import { attributes, u16 } from "../../codec.ts";

export const ipvlanKind = "ipvlan";

/** IPVLAN_MODE_*. */
export const ipvlanMode = { l2: 0, l3: 1, l3s: 2 } as const;

export const ipvlan = attributes({ mode: [1, u16] });
