/** What a step is: data. And what each kind of it declares, so that what handles steps need not know the kinds. */

import type { Attachment } from "../conf/attachment.ts";
import type { Result, Route } from "../conf/result/result.ts";
import type { Kernel, Where } from "../kernel/kernel.ts";
import type { Message } from "../netlink/message.ts";
import type { Link } from "../netlink/route/link.ts";

/** What CHECK found different: `mtu of eth0`, `1500`, `1400`. */
export interface Difference {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

/** Whose a thing is: by kind of owner, what it is known by. */
interface OwnerNames {
  readonly attachment: Attachment;
  readonly network: string;
  readonly lab: string;
  readonly node: string;
}

type OwnerKind = keyof OwnerNames;

export interface Owner<K extends OwnerKind = OwnerKind> {
  readonly kind: K;
  readonly name: OwnerNames[K];
}

/** Of an interface that another plugin made, before ns-net came in its place. */
export interface Foreign {
  /** Link kind as the kernel calls it. */
  readonly type: string;
  readonly mac: string;
}

/** What a DEL that remembers nothing may go by beside the owner's name. */
export interface Hints {
  /** The interface that `prevResult` describes. */
  readonly foreign?: Foreign | undefined;
  /** The addresses in `prevResult`, without prefix length, that no other attachment has by now. */
  readonly addresses?: (() => readonly string[]) | undefined;
  /** The value of a key of the configuration, if it is a text. */
  readonly text?: ((key: string) => string | undefined) | undefined;
}

/** What a step gives the attachment, for those who compare it with a result or say it to a person. */
export interface Given {
  /** The host's end of its link. */
  readonly hostEnd?: { readonly name: string; readonly mac: string; readonly bridge?: string | undefined };
  /** CIDR, of the container or of a gateway on the host. */
  readonly address?: { readonly where: Where; readonly cidr: string };
  readonly route?: Pick<Route, "dst" | "gw">;
}

/** Before version 1.1.0 a result has no MTU: what a later plugin made of it cannot be told. */
export const unknownMtu = 0;

/** A step of any kind, to a kind that looks at those of others. */
export interface AnyStep {
  readonly kind: string;
}

/** True for a step of that kind. */
export function isStep<Step extends AnyStep>(kind: Step["kind"], step: AnyStep): step is Step {
  return step.kind === kind;
}

/**
 * What a kind of step knows: all of it, so that no other code treats steps of one kind differently. A file in step/
 * exports it, and step/index.ts lists it. `Key` is the part of the step that its undo needs; DEL builds it from the
 * attachment's name alone.
 */
export interface Kind<Step, Key = Step> {
  /** Does it, in one atomic request. True if this call created something that `undo` removes. A kind has this, or `rules`. */
  apply?(step: Step, kernel: Kernel): boolean;
  /** For nf_tables, instead of `apply`: neighbouring steps go into one batch. */
  readonly rules?: {
    /** What the step needs and the kernel lacks; empty if it lacks nothing. */
    missing(step: Step, kernel: Kernel): readonly Message[];
    /** All that the step needs, whatever exists: for repair, and if the kernel refuses `missing` because of an object that should not exist. */
    replacing(step: Step, kernel: Kernel): readonly Message[];
    /** Runs after the batch. */
    afterwards?(step: Step, kernel: Kernel): void;
  };
  /** Removes it; absent is success. A kind whose effect dies with another step's, or is shared by attachments, has none. */
  undo?(key: Key, kernel: Kernel): void;
  /** Repairs in place what `check` found. Absent: `rules.replacing`, or `apply` if that creates no second object. */
  repair?(step: Step, kernel: Kernel): void;
  /** The link that `undo` deletes, and all of it with the link: a caller may delete it in one request with others. */
  deletes?(key: Key): string | undefined;
  /** By kind of owner: what to undo of it when nothing is remembered. */
  readonly leftover?: { readonly [O in OwnerKind]?: (name: OwnerNames[O], hints: Hints) => Key | readonly Key[] };
  /** For GC, by kind of owner: removes what has the mark of an attachment of the owner whose link is not `kept`. */
  readonly collect?: {
    readonly [O in OwnerKind]?: (name: OwnerNames[O], kept: ReadonlySet<string>, kernel: Kernel) => void;
  };
  /** Compares it with the kernel; changes nothing. */
  check(step: Step, kernel: Kernel): readonly Difference[];
  /** False where the interface that it made is not there, or another one has its name. Absent: it makes none. */
  isPresent?(step: Step, kernel: Kernel): boolean;
  /** True for an interface of the container that is the step's, though the container changed its marks. */
  isMadeBy?(step: Step, link: Link): boolean;
  /** Absent: none of these. */
  given?(step: Step): Given;
  /** The step as a result says that the chain left it; undefined where the result leaves it out. Absent: a result says nothing of it. */
  asInResult?(step: Step, result: Result): AnyStep | undefined;
  /**
   * A step that a plugin before it in the chain made, as this one leaves it: the same where it leaves it alone, undefined
   * where it takes it away. Absent: it leaves all as they are.
   */
  supersede?(later: Step, earlier: AnyStep): AnyStep | undefined;
  /** The commands a person would have typed. */
  print(step: Step, context: PrintContext): readonly string[];
}

/** What the text of a step needs beside the step. */
export interface PrintContext {
  /** Path of the container's namespace. */
  readonly netns: string;
  /** Leaves out the commands for shared objects that exist in this kernel. Absent: prints all commands. */
  readonly kernel?: Kernel | undefined;
}

/** The differences between two records of the same shape, field by field. */
export function differences(
  of: string,
  expected: Readonly<Record<string, unknown>>,
  found: Readonly<Record<string, unknown>>,
): Difference[] {
  return Object.entries(expected).flatMap(([field, want]) => {
    const have = found[field];
    return want === undefined || want === have
      ? []
      : [{ what: `${field} of ${of}`, expected: String(want), found: String(have ?? "none") }];
  });
}

/** Each once: a link that is gone is missed by every step that is about it. */
export function distinct(all: readonly Difference[]): Difference[] {
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

/** `mtu of eth0: expected 1500, found 1400`, or `link eth0 is missing`. */
export function differenceText({ what, expected, found }: Difference): string {
  return isMissing({ what, expected, found }) ? `${what} is missing` : `${what}: expected ${expected}, found ${found}`;
}

export const isMissing = ({ expected, found }: Difference) => expected === "there" && found === "missing";

export function missing(what: string): Difference[] {
  return [{ what, expected: "there", found: "missing" }];
}
