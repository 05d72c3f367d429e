/** `ns-net exec <netns> [--] command`: replaces this process by the command where it can. */
import { command } from "../command.ts";
import { insideOptions, runInside } from "../inside/run.ts";
import { ownShell } from "../inside/shell.ts";
import { targetOf } from "../target.ts";

export default command({
  about: "Run a command inside a namespace. Exits as the command does.",
  usage: "<netns> [options] [--] [command [arguments]]",
  operands: [1, 1],
  takesCommand: true,
  options: insideOptions,
  more: `
Without a command it runs a shell. Options of exec come before the command; what follows belongs to the command.
As with "ip netns exec", files in /etc/netns/<name>/ (resolv.conf, hosts) are mounted over those in /etc,
and /sys shows the namespace's own devices.

  ns-net exec web ip address
  ns-net exec web                             a shell, as ns-net shell web
  ns-net exec web --hostname web --pid ps -ef with its own hostname and pids
  ns-net exec container:db --all ls /         in all namespaces of a container`,

  run({ options, operands, rest }) {
    const target = targetOf(operands[0]!);
    const words = rest.length > 0 ? rest : ownShell(target, options.all);
    return runInside(target, words, options);
  },
});
