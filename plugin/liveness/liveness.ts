/** Decides whether an attachment is alive. The only place that does; callers differ in their use of the answer. */

import { existsSync } from "node:fs";
import { adoptedStep } from "../../ipam/hostLocal/adopted.ts";
import type { Entry } from "../../store/entry.ts";
import { bootId, isInProgress, isInterrupted } from "../../store/index.ts";
import { isWithoutNamespace } from "../../store/namespace.ts";
import { hasVeth } from "../removal/entrySteps.ts";
import type { Evidence } from "./evidence.ts";

/**
 * - `alive`: its interface exists.
 * - `unknown`: its address may be in use.
 * - `gone`: nothing of it can be seen from here, now. A runtime may be between two of its actions, so a caller that
 *   frees leases unasked looks twice.
 * - `dead`: it is certain that it no longer exists, or never did as a whole.
 */
export interface Liveness {
  readonly is: "alive" | "unknown" | "gone" | "dead";
  /** A clause for a person: `its link is on this host`. */
  readonly because: string;
}

/** Decides by the entry and the evidence. Changes nothing. */
export function livenessOf(entry: Entry, evidence: Evidence): Liveness {
  if (isInProgress(entry)) return { is: "unknown", because: "another process is at work on it" };
  if (isInterrupted(entry)) return { is: "dead", because: "the call that was at work on it died" };
  // CNI_NETNS=/dev/null, for an IPAM that is called by its name.
  if (isWithoutNamespace(entry)) return { is: "unknown", because: "it has no namespace that could be looked at" };
  if (evidence.hasHostLink(entry)) return { is: "alive", because: "its link is on this host" };
  if (entry.bootId !== bootId()) return { is: "dead", because: "it is of an earlier boot" };
  return hasVeth(entry) ? withoutHostEnd(entry, evidence) : inContainer(entry, evidence);
}

/** The ends of a veth exist together; without the host's end there is the container's only if a person moved that end away. */
function withoutHostEnd(entry: Entry, evidence: Evidence): Liveness {
  if (evidence.inNamespace(entry) === "interface")
    return { is: "unknown", because: "its namespace has the interface, whose other end is not on this host" };
  return { is: "gone", because: "neither end of its veth is there" };
}

/** For an interface that exists only in the container, and for another plugin's, whose link does not have our name. */
function inContainer(entry: Entry, evidence: Evidence): Liveness {
  const seen = evidence.inNamespace(entry);
  if (seen === "interface") return { is: "alive", because: "its namespace has the interface" };
  // The namespace of a pod outlives each of its containers, and another container may have a freed address by now.
  if (isFreed(entry) && (seen === "namespace" || entry.netnsInode !== 0n))
    return { is: "gone", because: "the plugin that made it has deleted it" };
  if (seen === "namespace") return { is: "unknown", because: "its namespace exists" };
  // An entry may not know its namespace; and nothing here may lead into it, no name and no process.
  if (evidence.hasAddress(entry)) return { is: "unknown", because: "another namespace has its address" };
  return { is: "gone", because: "its namespace is not there, and no other has its address" };
}

/** True if host-local, which gave the addresses of an attachment that was taken over, has freed all of them. */
export function isFreed(entry: Entry): boolean {
  const step = adoptedStep(entry);
  return step !== undefined && step.files.length > 0 && !step.files.some((file) => existsSync(file));
}

/** True for `alive` and `unknown`. */
export function mayLive({ is }: Liveness): boolean {
  return is === "alive" || is === "unknown";
}
