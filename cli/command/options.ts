/** Options that several commands share. */

/** Options that say where to create an attachment. */
export const networkOptions = {
  network: {
    type: "string",
    value: "FILE|NAME",
    about:
      "a configuration file (JSON or YAML), or the name of a network in /etc/cni/net.d or in a file once given to add",
    short: "n",
  },
  ifname: { type: "string", value: "NAME", about: "the interface in the namespace (default eth0)", short: "i" },
  "data-dir": { type: "string", value: "FOLDER", about: "where leases are kept (default /var/lib/ns-net)" },
} as const;

/** Options that select existing attachments. */
export const filterOptions = {
  network: { ...networkOptions.network, about: "only what is on this network: its name, or its configuration file" },
  ifname: { ...networkOptions.ifname, about: "only this interface (default: all)" },
  "data-dir": networkOptions["data-dir"],
} as const;

/** For commands that can look at a lab as they look at the machine; cli/main.ts runs them inside of it. */
export const labOption = {
  lab: {
    type: "string",
    value: "NAME",
    about: "look at this lab instead of the machine; LAB/HOST for one of several hosts",
  },
} as const;
