/** The groups of commands: `ns-net ns ls` is the command `ls` of the group `ns`. */
export const groups: Readonly<Record<string, string>> = {
  ns: "Look at the network namespaces of the machine, whichever program made them.",
  network: "Look at networks, create them, and remove them.",
};
