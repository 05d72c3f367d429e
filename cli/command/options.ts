/** Options that several commands share. */
export const networkOptions = {
  network: {
    type: "string",
    value: "FILE|NAME",
    about: "a configuration file (JSON or YAML), or a name in /etc/cni/net.d",
    short: "n",
  },
  ifname: { type: "string", value: "NAME", about: "the interface in the namespace (default eth0)", short: "i" },
  "data-dir": { type: "string", value: "FOLDER", about: "where leases are kept (default /var/lib/ns-net)" },
} as const;
