/** `ns-net man` */
import { writeOut } from "../../plugin/stdio.ts";
import { command } from "../command.ts";
import { manual } from "../describe/manual.ts";

export default command({
  about: "Print the manual page.",
  usage: "",
  operands: [0, 0],
  options: {},
  more: "\n  ns-net man > /usr/local/share/man/man8/ns-net.8",

  async run(_, everyCommand) {
    writeOut(manual(await everyCommand()));
    return 0;
  },
});
