/** Why a sysctl is set, by the last word of its path. Loaded when a person asks for the commands. */

const reasons: Readonly<Record<string, string>> = {
  ip_forward: "The host forwards packets between its interfaces, as a router does.",
  forwarding: "The host forwards packets between its interfaces, as a router does.",
  accept_ra: "A container must not become the host's router by an advertisement.",
  disable_ipv6: "IPv6 must be on for an IPv6 address.",
  accept_dad: "Addresses can be used at once: ns-net gives each to one container.",
  accept_redirects: "A redirect would change routes for minutes.",
  send_redirects: "A redirect would change the neighbours' routes for minutes.",
  arp_notify: "Other machines learn the new owner of the address at once.",
  ndisc_notify: "Other machines learn the new owner of the address at once.",
};

const noForwarding = "Packets for others are not passed on: this is no router.";

/** `path` is below /proc/sys. */
export function reasonOf(path: string, value: string): string {
  const isOff = /\/(ip_)?forward(ing)?$/.test(path) && value === "0";
  if (isOff) return noForwarding;
  return reasons[path.slice(path.lastIndexOf("/") + 1)] ?? "The configuration asks for this setting.";
}
