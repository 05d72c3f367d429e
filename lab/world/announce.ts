/** Announces the addresses of an interface, by gratuitous ARP and unsolicited neighbour advertisements (RFC 5227, RFC 4861). */
import { openKernel } from "../../kernel/kernel.ts";
import { changeLink } from "../../netlink/route/link.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { openNetns } from "../../sys/netns.ts";
import type { Attached } from "./attach.ts";

/**
 * Others may remember the hardware address of a pod that is gone and had the same address. ADD brings the interface up before
 * the bridge forwards, so what the kernel would announce by itself is lost. It announces again when the hardware address is
 * set, though it stays the same.
 */
export function announce({ ifname, netnsPath, result: { interfaces = [] } }: Attached): void {
  const mac = interfaces.find(({ name, sandbox }) => sandbox && name === ifname)?.mac;
  if (mac === undefined) return;
  using kernel = openKernel({ container: openNetns(netnsPath) });
  const settings = [`net/ipv4/conf/${ifname}/arp_notify`, `net/ipv6/conf/${ifname}/ndisc_notify`];
  const set = (value: string) => {
    for (const path of settings) tolerating(() => kernel.writeSysctl("container", path, value), errno.ENOENT);
  };
  set("1");
  kernel.request("container", changeLink(`announce ${ifname}`, { name: ifname, address: mac }));
  set("0");
}
