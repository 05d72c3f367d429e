/** `ns-net ns who <words>` */
import { code, Fault, NotPermitted } from "../../../conf/fault.ts";
import { nearest } from "../../../conf/nearest.ts";
import { type Container, nameOf } from "../../../explain/containers/container.ts";
import { everyContainer } from "../../../explain/containers/find.ts";
import { everyNamespace, type Namespace } from "../../../explain/namespaces/everyNamespace.ts";
import { containersByInode } from "../../../explain/namespaces/inside.ts";
import { knownWords, type Match, whoIs } from "../../../explain/namespaces/who.ts";
import { writeOut } from "../../../plugin/stdio.ts";
import { netnsIdentity } from "../../../sys/netns.ts";
import { command } from "../../command.ts";
import { jsonOf } from "../../namespaces/json.ts";
import { reportUnread } from "../../namespaces/unread.ts";
import { matchText } from "../../namespaces/whoText.ts";
import { targetOf } from "../../target.ts";

export default command({
  about: "Find a network namespace by what is known of it, and the container and processes that are in it.",
  usage: "<name|inode|veth|address|pid:N|container:NAME> [options]",
  operands: [1, 1],
  options: { json: { type: "boolean", about: "print JSON: a list, because two namespaces may have one address" } },
  more: `
A veth of the host means the namespace of its other end.

  ns-net ns who veth1a2b3c4d         which container has this veth?
  ns-net ns who 10.1.0.7             which one has this address?
  ns-net ns who 4026532201           an inode as lsns(8) prints it
  ns-net ns who container:db`,

  run({ options, operands }) {
    const words = operands[0]!;
    const target = isTarget.test(words) ? targetOf(words) : undefined;
    const all = everyNamespace();
    const containers = everyContainer(all.flatMap(({ processes }) => processes));
    const found = target ? atPath(target.path, all) : whoIs(words, all, containers);
    if (found.length === 0) throw unknown(words, all, containers);
    const byInode = containersByInode(all, containers);
    if (options.json)
      writeOut(
        `${JSON.stringify(
          found.map((one) => jsonOfMatch(one, byInode)),
          null,
          2,
        )}\n`,
      );
    else writeOut(found.map((match) => matchText(match, words, all, byInode)).join("\n"));
    reportUnread(all);
    return 0;
  },
});

const isTarget = /^(?:pid:|container:|\/proc\/\d+)/;

function atPath(path: string, all: readonly Namespace[]): Match[] {
  const inode = Number(netnsIdentity(path)?.inode);
  return all.filter((one) => one.inode === inode).map((namespace) => ({ namespace, by: "process" }));
}

function jsonOfMatch({ namespace, by, link }: Match, containers: ReadonlyMap<number, Container>) {
  const container = containers.get(namespace.inode);
  return {
    ...jsonOf(namespace),
    container: container ? { runtime: container.runtime, id: container.id, name: nameOf(container) } : null,
    foundBy: by,
    link: link?.name ?? null,
  };
}

function unknown(words: string, all: readonly Namespace[], containers: readonly Container[]): Fault {
  if (all.some(({ isRead }) => !isRead))
    return new NotPermitted(
      code.unknownContainer,
      `Not all namespaces may be entered to look for ${words}`,
      "Run it as root",
    );
  const meant = nearest(words, knownWords(all, containers));
  return new Fault(
    code.unknownContainer,
    `No namespace, link, address or container here is ${words}`,
    `${meant === undefined ? "" : `Did you mean ${meant}? `}See what is with: ns-net ns ls`,
  );
}
