/** `ns-net ns same <process> <process>` */
import { code, Fault, NotPermitted } from "../../../conf/fault.ts";
import { everyPid, inodeAt, kindsInOrder, type Namespaces, namespacesOf } from "../../../explain/namespaceKinds.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { netnsIdentity } from "../../../sys/netns.ts";
import { columns, command } from "../../command.ts";
import { isThere, targetOf } from "../../target.ts";

export default command({
  about: "Compare the namespaces of two processes: which of the eight kinds do they share?",
  usage: "<pid> <pid> [options]",
  operands: [2, 2],
  options: { json: { type: "boolean", about: "print JSON" } },
  more: `
A process is a number, container:NAME, or the name of a network namespace, for the first process in it.

  ns-net ns same 1 4242
  ns-net ns same 1 container:db`,

  run({ options, operands }) {
    const [first, second] = operands.map((words) => ({ words, namespaces: namespacesAt(words) }));
    const all = kindsInOrder.map((kind) => {
      const [one, other] = [first!.namespaces[kind], second!.namespaces[kind]];
      return { kind, one, other, isShared: one === other };
    });
    if (options.json) {
      const shared = Object.fromEntries(all.map(({ kind, isShared }) => [kind, isShared]));
      writeOut(`${JSON.stringify(shared, null, 2)}\n`);
      return 0;
    }
    const rows = all.map(({ kind, one, other, isShared }) => [
      ...[kind, isShared ? "shared" : "different"],
      ...[inodeText(one), inodeText(other)],
    ]);
    writeOut(columns([["KIND", "", first!.words, second!.words], ...rows]));
    return 0;
  },
});

/** A kernel that was built without a kind of namespace has no link for it. */
const inodeText = (inode: number | undefined) => (inode === undefined ? "-" : String(inode));

function namespacesAt(words: string): Namespaces {
  const pid = pidOf(words);
  const namespaces = namespacesOf(pid);
  if (Object.values(namespaces).some((inode) => inode !== undefined)) return namespaces;
  if (isThere({ path: `/proc/${pid}` }))
    throw new NotPermitted(
      code.environment,
      `Cannot read the namespaces of process ${pid}`,
      "Run it as root, with CAP_SYS_PTRACE",
    );
  throw new Fault(
    code.unknownContainer,
    `There is no process ${pid}${words === String(pid) ? "" : ` (${words})`}`,
    "See the processes of each network namespace with: ns-net ns ls",
  );
}

function pidOf(words: string): number {
  if (/^\d+$/.test(words)) return Number(words);
  const { path } = targetOf(words);
  const named = /^\/proc\/(\d+)\//.exec(path)?.[1];
  if (named !== undefined) return Number(named);
  const identity = netnsIdentity(path);
  const inside = everyPid().find((pid) => inodeAt(`/proc/${pid}/ns/net`) === Number(identity?.inode));
  if (inside !== undefined) return inside;
  throw new Fault(
    code.unknownContainer,
    identity === undefined ? `There is no namespace ${words}` : `There is no process in the namespace ${words}`,
    "Give the number of a process, or container:NAME",
  );
}
