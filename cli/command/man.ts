/** `ns-net man` */
import { writeOut } from "../../plugin/stdio.ts";
import { command } from "../command.ts";
import { manual } from "../describe/manual.ts";
import { everyCommand } from "../describe/table.ts";

export default command({
  about: "Print the manual page.",
  usage: "",
  operands: [0, 0],
  options: {},
  more: "\n  ns-net man > /usr/local/share/man/man8/ns-net.8",

  async run() {
    writeOut(manual(await everyCommand()));
    return 0;
  },
});
