/**
 * Keys of the reference's plugins that create or take an interface other than a veth, or choose an interface for
 * packets.
 */
import { flag, list, object, text, whole } from "./schema.ts";

const uint32Max = 2 ** 32 - 1;

export const links = object("Keys of macvlan, ipvlan, vlan, host-device, tap, sbr and vrf", {
  master: text("Interface that the new one is on top of; left out: that of the default route"),
  mode: text("How the new interface shares its master"),
  linkInContainer: flag("The master is in the container", false),
  mac: text("Hardware address", "a unicast address of six bytes such as c2:11:22:33:44:55"),
  bcqueuelen: whole("Length of the broadcast queue in packets", 0, uint32Max),
  vlanId: whole("VLAN of the interface", 0, 4094),
  device: text("Name of the host's interface that the container is given"),
  hwaddr: text("Its hardware address", "an address of six bytes such as c2:11:22:33:44:55"),
  kernelpath: text("Its device in sysfs", "a path below /sys/devices/"),
  pciBusID: text("Its address on the PCI bus", "an address such as 0000:00:1f.6"),
  useInterfaceNetwork: flag("Take the interface's addresses and routes along; not served", false),
  multiQueue: flag("Let several programs open the interface at once", false),
  owner: whole("Number of the user who may open it", 0, uint32Max),
  group: whole("Number of the group that may open it", 0, uint32Max),
  selinuxContext: text("SELinux context of the interface"),
  table: whole("Number of the routing table; left out or 0: a free one", 0, uint32Max),
  gateways: list("Gateways in place of those of the addresses, one of a family", text("An address")),
  addSourceHints: flag("Leave routes to the subnets in the main table, with the address as their source", false),
  vrfname: text("Name of the VRF", "1 to 15 bytes without / : % or white space, and not . or .."),
});
