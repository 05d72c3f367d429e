/** A probe: who sends it where, and how it ends. */
import type { Netns } from "../../sys/netns.ts";
import type { Answer } from "../path/answer.ts";
import type { Site } from "../path/site/site.ts";
import type { Question, World } from "../path/world.ts";

/** How an attempt ended. `how` in a few words: `refused`, `silent`. */
export interface Outcome {
  readonly reached: boolean;
  readonly how: string;
}

/** Sends one ping, connection or datagram from a namespace, and resolves at an answer, a refusal, or when it is given up. */
export type Send = (from: Netns, destination: Uint8Array, patienceMs: number) => Promise<Outcome>;

export interface Probing {
  readonly found: Answer;
  readonly question: Question;
  readonly world: Pick<World, "peerOf" | "host"> & { readonly sites: readonly Site[] };
  readonly sender: Site;
  readonly destination: Uint8Array;
}

/** The namespace that is asked; undefined if it is not on this machine. */
export const receiverOf = ({ question: { to } }: Probing): Site | undefined =>
  to.is === "site" || to.is === "address" ? to.site : undefined;
