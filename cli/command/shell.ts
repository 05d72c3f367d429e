/** `ns-net shell <netns>`: an interactive shell inside. */
import { command } from "../command.ts";
import { insideOptions, runInside } from "../inside/run.ts";
import { labelOf, ownShell } from "../inside/shell.ts";
import { targetOf } from "../target.ts";

export default command({
  about: "Open a shell inside a namespace. The prompt shows where you are.",
  usage: "<netns> [options]",
  operands: [1, 1],
  options: insideOptions,
  more: `
The shell is that of SHELL, else /bin/sh. The namespace's name is the shell's hostname (in a UTS namespace of its own),
which prompts show. With --all it is the container's sh, with the container's hostname.

  ns-net shell web
  ns-net shell web --pid             ps shows only what runs inside
  ns-net shell container:db --all    as "docker exec -it db sh"`,

  run({ options, operands }) {
    const target = targetOf(operands[0]!);
    const hostname = options.all ? {} : { hostname: options.hostname ?? labelOf(target) };
    return runInside(target, ownShell(target, options.all), { ...options, ...hostname });
  },
});
