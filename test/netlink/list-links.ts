/** Prints the names of all links of the namespace it runs in, a line for each of several listings. */
import { traceMessages } from "../../netlink/debug.ts";
import { listLinks } from "../../netlink/route/link.ts";
import { NetlinkSocket, protocol } from "../../netlink/socket.ts";

traceMessages();
const socket = new NetlinkSocket(protocol.route);
for (let i = Number(process.argv[2]); i > 0; i--) {
  console.log(
    listLinks(socket)
      .map(({ name }) => name)
      .join(" "),
  );
}
