/** Names of nodes in a diagram, which every format takes as they are. */

export const outsideId = "outside";
export const hostIdOf = (name: string) => `host_${name}`;
export const podIdOf = (name: string) => `pod_${name}`;
export const underlayId = "underlay";
/** The bridge of a network on a host. */
export const networkIdOf = (name: string, host: string) => `network_${name}-${host}`;
export const portIdOf = (pod: string, ifname: string) => `${podIdOf(pod)}-${ifname}`;
