/** The changes that `watch` reports. */

export interface Change {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly about: "attachment" | "link" | "address" | "route" | "rules" | "lost";
  /** `host`, or the namespace as a person calls it. */
  readonly where: string;
  /** One of a few words for programs: `added`, `removed`, `up`, `down`, `changed`. */
  readonly what: "added" | "removed" | "up" | "down" | "changed" | "lost";
  /** A clause without a full stop. */
  readonly says: string;
}

/** A change before it has its time and place. */
export type Said = Pick<Change, "about" | "what" | "says">;
