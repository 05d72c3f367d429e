/** Nodes as lines of text, for the formats whose programs place text by themselves. */
import type { EdgeEnd, HostNode, NetworkNode, PodNode } from "./diagram.ts";

export const hostLines = ({ name, addresses, notes }: HostNode): string[] => [
  name,
  ...addresses,
  ...(notes.length > 0 ? [notes.join(", ")] : []),
];

export const networkLines = ({ name, subnets, notes }: NetworkNode): string[] => [
  name,
  ...subnets.map(({ subnet }) => subnet),
  ...(notes.length > 0 ? [notes.join(", ")] : []),
];

export const podLines = ({ name, isDead, run, interfaces, serves, publishes }: PodNode): string[] => [
  name,
  ...interfaces.map((one) => [one.name, ...one.addresses].join(" ")),
  ...(serves.length > 0 ? [`serves ${serves.join(", ")}`] : []),
  ...(publishes.length > 0 ? [`published ${publishes.join(", ")}`] : []),
  ...(isDead ? ["dead"] : []),
  ...(run === "failed" ? ["its command failed"] : []),
];

/** `eth0 10.1.0.2` */
export const addressText = ({ ifname, addresses }: EdgeEnd): string => [ifname, ...addresses].filter(Boolean).join(" ");
