/** What scripts/build/validators.ts makes of a schema ahead of time. */

/** The keys that a schema knows, and nothing of what they may be. A schema is one, too. */
export interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
}

/** Decides, and does not say why: conf/schema/explain.ts does. */
export interface Rule {
  readonly shape: Shape;
  accepts(value: unknown): boolean;
}

/** ajv's own validator: after a no it knows what the first complaint is about. */
export interface Explaining {
  (value: unknown): boolean;
  errors?: readonly Complaint[] | null;
}

interface Complaint {
  /** A JSON pointer. */
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}
