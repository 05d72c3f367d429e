/** Whether an attachment is alive. The only place that decides it; callers differ in what they do with the answer. */

import type { Entry } from "../../store/entry.ts";
import { bootId, isInProgress, isInterrupted } from "../../store/index.ts";
import { isWithoutNamespace } from "../../store/namespace.ts";
import { hasVeth } from "../removal/entrySteps.ts";
import type { Evidence } from "./evidence.ts";

/**
 * - `alive`: its interface exists.
 * - `unknown`: nothing proves that it is dead, and its address may be in use.
 * - `gone`: nothing of it can be seen from here. A runtime may be between two things that it does: who frees its lease
 *   by itself looks twice, a while apart.
 * - `dead`: proven at once.
 */
export interface Liveness {
  readonly is: "alive" | "unknown" | "gone" | "dead";
  readonly because: string;
}

/** By what the entry says and by what can be seen. Changes nothing. */
export function livenessOf(entry: Entry, evidence: Evidence): Liveness {
  if (isInProgress(entry)) return { is: "unknown", because: "another process is at work on it" };
  if (isInterrupted(entry)) return { is: "dead", because: "the call that was at work on it died" };
  // CNI_NETNS=/dev/null, for an IPAM that is called by its name.
  if (isWithoutNamespace(entry)) return { is: "unknown", because: "it has no namespace that could be looked at" };
  if (evidence.hasHostLink(entry)) return { is: "alive", because: "its link is on this host" };
  if (entry.bootId !== bootId()) return { is: "dead", because: "it is of an earlier boot" };
  return hasVeth(entry) ? withoutHostEnd(entry, evidence) : inContainer(entry, evidence);
}

/** A veth's ends go together: the container's exists without the host's only if a person moved that away. */
function withoutHostEnd(entry: Entry, evidence: Evidence): Liveness {
  if (evidence.inNamespace(entry) === "interface")
    return { is: "unknown", because: "its namespace has the interface, whose other end is not on this host" };
  return { is: "gone", because: "neither end of its veth is there" };
}

/** An interface that exists only in the container, or one of another plugin, which has no link of our name. */
function inContainer(entry: Entry, evidence: Evidence): Liveness {
  const seen = evidence.inNamespace(entry);
  if (seen === "interface") return { is: "alive", because: "its namespace has the interface" };
  if (seen === "namespace") return { is: "unknown", because: "its namespace exists" };
  // Its namespace may be one that the entry does not know, or that nothing here leads into.
  if (evidence.hasAddress(entry)) return { is: "unknown", because: "another namespace has its address" };
  return { is: "gone", because: "its namespace is not there, and no other has its address" };
}

/** False for `gone` and `dead`: nothing of it can be seen. */
export function mayLive({ is }: Liveness): boolean {
  return is === "alive" || is === "unknown";
}
