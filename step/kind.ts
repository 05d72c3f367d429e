/** A step is data. Each kind of step declares what it is, so that code which handles steps need not know the kinds. */

import type { Attachment } from "../conf/attachment.ts";
import type { PortMapping } from "../conf/config/config.ts";
import type { Result, Route } from "../conf/result/result.ts";
import type { Kernel, Where } from "../kernel/kernel.ts";
import type { Message } from "../netlink/message.ts";
import type { Link } from "../netlink/route/link.ts";

/** A difference between a step and the kernel: `mtu of eth0`, `1500`, `1400`. */
export interface Difference {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

/** By kind of owner, the name that identifies one. */
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

/** An interface that a plugin of the reference created. */
export interface Foreign {
  /** Link kind as the kernel calls it. */
  readonly type: string;
  readonly mac: string;
}

/** Knowledge of DEL besides the owner's name, if the store has no steps. */
export interface Hints {
  /** The interface that `prevResult` describes. */
  readonly foreign?: Foreign | undefined;
  /** The addresses in `prevResult`, without prefix length, that no other attachment has now. */
  readonly addresses?: (() => readonly string[]) | undefined;
  /** The value of a key of the configuration, if it is a string. */
  readonly text?: ((key: string) => string | undefined) | undefined;
}

/** A step's part of the attachment, for a comparison with a result and for a person. */
export interface Given {
  /** The host's end of its link. */
  readonly hostEnd?: { readonly name: string; readonly mac: string; readonly bridge?: string | undefined };
  /** CIDR, of the container or of a gateway on the host. */
  readonly address?: { readonly where: Where; readonly cidr: string };
  readonly route?: Pick<Route, "dst" | "gw" | "table" | "mtu">;
  /** Packets of its network to the outside get the host's address. */
  readonly isMasqueraded?: true;
  /** Ports of the host that lead to the container. */
  readonly publishes?: readonly PortMapping[];
}

/** MTU of an interface in a result before version 1.1.0, which has none: a later plugin may have changed it. */
export const unknownMtu = 0;

/** A step of any kind, for a kind that reads the steps of others. */
export interface AnyStep {
  readonly kind: string;
}

/** True for a step of that kind. */
export function isStep<Step extends AnyStep>(kind: Step["kind"], step: AnyStep): step is Step {
  return step.kind === kind;
}

/**
 * A kind of step: all that is known about it, so that no other code treats steps of one kind differently. A file in step/
 * exports it, and step/index.ts lists it. `Key` is the part of the step that its undo needs; DEL builds it from the
 * attachment's name alone.
 */
export interface Kind<Step, Key = Step> {
  /** Does it, in one atomic request. True if this call created something that `undo` removes. A kind has this, or `rules`. */
  apply?(step: Step, kernel: Kernel): boolean;
  /** For nf_tables, instead of `apply`: neighbouring steps go into one batch. */
  readonly rules?: {
    /** Creates what the step needs and the kernel lacks; empty if it lacks nothing. */
    missing(step: Step, kernel: Kernel): readonly Message[];
    /** Creates all that the step needs, whatever exists: for repair, and if the kernel refuses `missing` because an object exists. */
    replacing(step: Step, kernel: Kernel): readonly Message[];
    /** Runs after the batch. */
    afterwards?(step: Step, kernel: Kernel): void;
  };
  /** Removes it; absent is success. A kind whose effect dies with another step's, or is shared by attachments, has none. */
  undo?(key: Key, kernel: Kernel): void;
  /** Repairs in place what `check` found. Absent: `rules.replacing`, or `apply` if that creates no second object. */
  repair?(step: Step, kernel: Kernel): void;
  /** The link that `undo` deletes, if it does nothing else. A caller may delete it in one request with others. */
  deletes?(key: Key): string | undefined;
  /** By kind of owner: what to undo if the store has no steps of it. */
  readonly leftover?: { readonly [O in OwnerKind]?: (name: OwnerNames[O], hints: Hints) => Key | readonly Key[] };
  /** For GC, by kind of owner: removes what carries the mark of an attachment whose link is not `kept`. */
  readonly collect?: {
    readonly [O in OwnerKind]?: (name: OwnerNames[O], kept: ReadonlySet<string>, kernel: Kernel) => void;
  };
  /** Compares it with the kernel; changes nothing. */
  check(step: Step, kernel: Kernel): readonly Difference[];
  /** False if the interface that it created does not exist, or if another one has its name. Absent: it creates none. */
  isPresent?(step: Step, kernel: Kernel): boolean;
  /** For an interface with one end on the host: what must be true of that end, as a step that the host alone has. */
  hostPart?(step: Step): AnyStep | undefined;
  /** The name of what it sets, if attachments share that and the last one decides how it is. */
  decides?(step: Step): string;
  /** True for an interface that the step created, even if the container changed some of its marks. */
  isMadeBy?(step: Step, link: Link): boolean;
  /** Absent: nothing. */
  given?(step: Step): Given;
  /** The step with what a result says about it; undefined if the result lacks it. Absent: a result says nothing about it. */
  asInResult?(step: Step, result: Result): AnyStep | undefined;
  /** A step of an earlier plugin of the chain as this one leaves it; undefined if this one removes it. Absent: it changes none. */
  supersede?(later: Step, earlier: AnyStep): AnyStep | undefined;
  /** Why the step is there, in one short sentence: `--dry-run` prints it above the commands. */
  reason(step: Step): string;
  /** The commands a person would have typed. */
  print(step: Step, context: PrintContext): readonly string[];
}

/** The input of `print` besides the step. */
export interface PrintContext {
  /** Path of the container's namespace. */
  readonly netns: string;
  /** Leaves out the commands for shared objects that exist in this kernel. Absent: prints all commands. */
  readonly kernel?: Kernel | undefined;
  /** The steps whose commands come before, also of other attachments: the kernel does not have their effects yet. */
  readonly earlier?: readonly AnyStep[] | undefined;
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

/** Without duplicates: every step of a missing link reports it. */
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
