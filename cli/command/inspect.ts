/** `ns-net inspect <netns>` */
import { openContainerNetns } from "../../kernel/namespace.ts";
import { writeOut } from "../../plugin/stdio.ts";
import { dataDirOf, openedStore, openNetnsOf } from "../attachments.ts";
import { command } from "../command.ts";
import { reportOf } from "../inspect/report.ts";
import { textOf } from "../inspect/text.ts";
import { reportLost } from "../lost.ts";
import { shownOf } from "../networks/untaken.ts";
import { someEntriesOf } from "../suggest.ts";
import { isThere, targetOf } from "../target.ts";
import { filterOptions, labOption } from "./options.ts";

export default command({
  about:
    "Show all about a namespace, attached or not: addresses, ports, the host's end, links and routes as they are now,\nits processes, all eight kinds of their namespaces, and how to enter it.",
  usage: "<netns> [options]",
  operands: [1, 1],
  options: {
    ...filterOptions,
    ...labOption,
    commands: { type: "boolean", about: "also print the commands that would recreate each attachment" },
    json: { type: "boolean", about: "print JSON" },
  },
  more: `
  ns-net inspect web
  ns-net inspect pid:4242            the namespace of any process`,

  run({ options, operands }) {
    const target = targetOf(operands[0]!);
    const dataDir = dataDirOf(options);
    const filter = { network: options.network, ifname: options.ifname, dataDir };
    const isFiltered = options.network !== undefined || options.ifname !== undefined;
    // A namespace that ns-net did not attach is worth a look, too.
    const entries = isThere(target) && !isFiltered ? shownOf(target, filter) : someEntriesOf(target, filter);
    using store = openedStore(dataDir);
    const report = reportOf({
      netns: entries.length > 0 ? openNetnsOf(entries[0]!) : openContainerNetns(target.path, true),
      path: entries[0]?.netnsPath ?? target.path,
      pid: target.pid,
      entries,
      store,
    });
    if (entries.length === 0) reportLost(dataDir);
    writeOut(options.json ? `${JSON.stringify(report, null, 2)}\n` : textOf(report, options));
    return 0;
  },
});
