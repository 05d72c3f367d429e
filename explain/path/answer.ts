/** The answer to a question: every way that the packet may go is walked, and where they end alike the answer is sure. */
import { decisive, type Explored, explore } from "../rules/choices.ts";
import { type Cause, Undecided } from "./cause.ts";
import { type Walked, walkOnce } from "./engine.ts";
import type { Hop, Passed } from "./walk.ts";
import type { Question, World } from "./world.ts";

export interface Answer {
  readonly from: string;
  /** `10.1.0.3:80/tcp` */
  readonly to: string;
  readonly verdict: "reachable" | "blocked" | "unsure";
  /** Null when reachable. */
  readonly cause: Cause | null;
  readonly hops: readonly Hop[];
  /** The sender's address and the one that it asks, in 4 or 16 bytes; empty if it came to no packet. */
  readonly addresses: readonly Uint8Array[];
  /** The packet in each namespace, as far as it came, and its answer. */
  readonly passed: readonly Passed[];
}

export function answer(world: World, question: Question): Answer {
  const explored = explore((choices) => walkOnce(world, question, choices));
  const first = explored.outcomes[0]!.result;
  const { protocol, port } = question;
  const named = {
    from: question.from.name,
    to: protocol === "icmp" || port === undefined ? first.to : `${withPort(first.to, port)}/${protocol}`,
    hops: first.hops,
    addresses: first.addresses,
    passed: first.passed,
  };
  const kinds = new Set(explored.outcomes.map(({ result }) => verdictOf(result)));
  if (kinds.size > 1 || !explored.isComplete) return { ...named, verdict: "unsure", cause: undecided(explored) };
  const { failure } = first;
  if (failure === undefined) return { ...named, verdict: "reachable", cause: null };
  if (failure instanceof Undecided) {
    const { where, message, cure } = failure;
    return { ...named, verdict: "unsure", cause: { code: "undecided", where, what: message, cure } };
  }
  return { ...named, verdict: "blocked", cause: failure.reason };
}

const withPort = (to: string, port: number) => (/(?:^[^:]*|\]):\d+$/.test(to) ? to : `${to}:${port}`);

function verdictOf({ failure }: Walked): string {
  return failure === undefined ? "reachable" : failure instanceof Undecided ? "unsure" : "blocked";
}

/** Names what makes the difference; a failure of one of the ways says where. */
function undecided(explored: Explored<Walked>): Cause {
  const what = decisive(explored, verdictOf);
  const failure = explored.outcomes.map(({ result }) => result.failure).find((one) => one !== undefined);
  const where = failure === undefined ? "host" : failure instanceof Undecided ? failure.where : failure.reason.where;
  const words = what.length > 0 ? what.join("; ") : "too many rules that cannot be evaluated";
  return { code: "undecided", where, what: `it depends on ${words}`, cure: "" };
}
