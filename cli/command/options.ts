/** Options that several commands share. */

/** Where something is to be made. */
export const networkOptions = {
  network: {
    type: "string",
    value: "FILE|NAME",
    about: "a configuration file (JSON or YAML), or a name: in /etc/cni/net.d, or of a file that add was given",
    short: "n",
  },
  ifname: { type: "string", value: "NAME", about: "the interface in the namespace (default eth0)", short: "i" },
  "data-dir": { type: "string", value: "FOLDER", about: "where leases are kept (default /var/lib/ns-net)" },
} as const;

/** Which of what is there is meant. */
export const filterOptions = {
  network: { ...networkOptions.network, about: "only what is on this network: its name, or its configuration file" },
  ifname: { ...networkOptions.ifname, about: "only this interface (default: all)" },
  "data-dir": networkOptions["data-dir"],
} as const;
