/**
 * The floor: the time that the kernel itself takes for the effect of an ADD and of a DEL. The bare requests run in a
 * loop inside one process: no process start, no configuration, no store, no reading of the present state.
 */

import { addAddress } from "../netlink/route/address.ts";
import { veth, vethKind } from "../netlink/route/kind/veth.ts";
import { changeBridgePort, changeLink, createLink, deleteLink, getLink, linkFlag } from "../netlink/route/link.ts";
import { addRoute } from "../netlink/route/route.ts";
import { NetlinkSocket, openSocketIn, protocol } from "../netlink/socket.ts";
import { closeNetns, openNetns } from "../sys/netns.ts";
import type { Round } from "./contestant.ts";

const hostLink = "floor0";
const mtu = 1500;
/** An address in the contestants' range, at an end that no run reaches. */
const address = Uint8Array.of(10, 88, 255, 200);
const gateway = Uint8Array.of(10, 88, 0, 1);

/**
 * One attachment to `bridge` and its removal, in the namespace at `netnsPath`, timed inside. Does not measure CPU time.
 */
export function floorRound(bridge: string, netnsPath: string): Round {
  const netns = openNetns(netnsPath);
  const host = new NetlinkSocket(protocol.route);
  const pod = openSocketIn(netns, protocol.route);
  const master = getLink(host, bridge)!.index;
  const data = veth.put({ peer: { name: "eth0", mtu, netnsFd: netns.fd } });

  const startMs = performance.now();
  host.request(createLink({ name: hostLink, mtu, master, set: linkFlag.up, info: { kind: vethKind, data } }));
  host.request(changeBridgePort("set hairpin", hostLink, { hairpin: 1 }));
  const index = getLink(pod, "eth0")!.index;
  pod.request(addAddress({ index, address, prefixLength: 16, text: "the pod's" }));
  pod.request(changeLink("bring up eth0", { index, set: linkFlag.up }));
  pod.request(addRoute({ destination: new Uint8Array(4), dstLength: 0, gateway, outIndex: index, text: "default" }));
  const addedMs = performance.now();
  host.request(deleteLink(hostLink));
  const deletedMs = performance.now();

  host.close();
  pod.close();
  closeNetns(netns);
  const cpuMs = Number.NaN;
  return { add: { wallMs: addedMs - startMs, cpuMs }, del: { wallMs: deletedMs - addedMs, cpuMs } };
}
