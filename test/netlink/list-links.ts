/** Prints the names of all links of the namespace it runs in, a line for each of several listings. */
import { listLinks } from "../../netlink/route/link.ts";
import { NetlinkSocket, protocol } from "../../netlink/socket.ts";

const socket = new NetlinkSocket(protocol.route);
for (let i = Number(process.argv[2]); i > 0; i--) {
  console.log(
    listLinks(socket)
      .map(({ name }) => name)
      .join(" "),
  );
}
