/** `ns-net completion` */
import { writeOut } from "../../plugin/stdio.ts";
import { command, UsageError } from "../command.ts";
import { shells } from "../describe/completion.ts";

export default command({
  about: "Print completion for a shell.",
  usage: Object.keys(shells).join("|"),
  operands: [1, 1],
  options: {},
  more: `
  source <(ns-net completion bash)
  ns-net completion zsh > "\${fpath[1]}/_ns-net"
  ns-net completion fish > ~/.config/fish/completions/ns-net.fish`,

  async run({ operands: [shell = ""] }, everyCommand) {
    if (!Object.hasOwn(shells, shell)) {
      throw new UsageError(
        `there is no completion for ${JSON.stringify(shell)}, only for ${Object.keys(shells).join(", ")}`,
      );
    }
    writeOut(shells[shell]!(await everyCommand()));
    return 0;
  },
});
