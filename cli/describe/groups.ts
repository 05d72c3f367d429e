/** The groups of commands: `ns-net ns ls` is the command `ls` of the group `ns`. */
export const groups: Readonly<Record<string, string>> = {
  ns: "Look at the network namespaces of the machine, whichever program made them.",
  lab: "Pod networking labs: networks and pods in one file, in namespaces of their own, with or without root.",
  network: "Look at networks, create them, and remove them.",
};
