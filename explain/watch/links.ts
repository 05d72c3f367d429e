/** Links of namespaces as they were last seen, so that an event says what changed: the kernel reports the whole link each time. */
import { attachmentText } from "../../conf/attachment.ts";
import { attachmentOfContainerAlias, attachmentOfHostAlias } from "../../kernel/ownership.ts";
import { type Link, linkFlag } from "../../netlink/route/link.ts";
import type { Said } from "./event.ts";

/** By the namespace's number, undefined for the host, and the link's index. */
type Key = string;
const keyOf = (netnsId: number | undefined, index: number): Key => `${netnsId ?? "host"} ${index}`;

export class Links {
  readonly #known = new Map<Key, Link>();
  /** Also of links whose creation is still to be reported. */
  readonly #names = new Map<Key, string>();

  nameOf(netnsId: number | undefined, index: number): string {
    return this.#names.get(keyOf(netnsId, index)) ?? `link ${index}`;
  }

  name(netnsId: number | undefined, { index, name }: Pick<Link, "index" | "name">): void {
    if (name !== undefined) this.#names.set(keyOf(netnsId, index), name);
  }

  /** A link that exists, without a word about it. */
  know(netnsId: number | undefined, link: Link): void {
    this.#known.set(keyOf(netnsId, link.index), link);
    this.name(netnsId, link);
  }

  forgetAll(): void {
    this.#known.clear();
    this.#names.clear();
  }

  seen(netnsId: number | undefined, link: Link): Said[] {
    const before = this.#known.get(keyOf(netnsId, link.index));
    // An event of a part of the link, statistics for example, has no name.
    if (link.name === undefined) return [];
    this.know(netnsId, link);
    const attached = attachedBy(link, before);
    if (before === undefined) return [said("added", `${link.name}${describedAs(link)}`), ...attached];
    return [...this.#changes(netnsId, before, link), ...attached];
  }

  removed(netnsId: number | undefined, link: Link): Said[] {
    const key = keyOf(netnsId, link.index);
    const before = this.#known.get(key);
    const one = before ?? link;
    this.#known.delete(key);
    this.#names.delete(key);
    const attachment = attachmentOf(one);
    return [
      said("removed", one.name ?? `link ${link.index}`),
      ...(attachment ? [{ about: "attachment", what: "removed", says: attachment } as const] : []),
    ];
  }

  #changes(netnsId: number | undefined, before: Link, now: Link): Said[] {
    const { name = "" } = now;
    const changes: Said[] = [];
    if (before.name !== name) changes.push(said("changed", `${before.name} is now ${name}`));
    if (before.mtu !== now.mtu) changes.push(said("changed", `${name} mtu ${before.mtu} → ${now.mtu}`));
    if (before.address !== now.address)
      changes.push(said("changed", `${name} address ${before.address} → ${now.address}`));
    if ((before.master ?? 0) !== (now.master ?? 0)) {
      const master = now.master ? `joined ${this.nameOf(netnsId, now.master)}` : "";
      const left = before.master ? `left ${this.nameOf(netnsId, before.master)}` : "";
      changes.push(said("changed", `${name} ${[left, master].filter(Boolean).join(", ")}`));
    }
    const [was, is] = [before, now].map(stateOf);
    if (was !== is) changes.push(said(is === "up" ? "up" : "down", is === "without carrier" ? `${name} ${is}` : name));
    return changes;
  }
}

const said = (what: Said["what"], says: string): Said => ({ about: "link", what, says });

/** A veth whose other end is down is up, and passes nothing. */
function stateOf({ flags }: Link): "up" | "without carrier" | "down" {
  if ((flags & linkFlag.up) === 0) return "down";
  return flags & linkFlag.running ? "up" : "without carrier";
}

function describedAs({ info }: Link): string {
  return info?.kind === undefined ? "" : ` (${info.kind})`;
}

/** ADD writes the attachment as the alias of the link, in a request of its own. */
function attachedBy(link: Link, before: Link | undefined): Said[] {
  const attachment = attachmentOf(link);
  if (attachment === undefined || (before !== undefined && attachmentOf(before) === attachment)) return [];
  return [{ about: "attachment", what: "added", says: attachment }];
}

function attachmentOf({ alias = "", name = "", group = 0 }: Link): string | undefined {
  const found = attachmentOfHostAlias(alias, group) ?? attachmentOfContainerAlias(alias, name, group);
  return found && attachmentText(found);
}
