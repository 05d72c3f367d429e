/** The output of scripts/build/validators.ts for a schema. */

/** The keys of a schema without their rules. A schema is a shape, too. */
export interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
}

/** Decides about a value, without an explanation (conf/schema/explain.ts). */
export interface Rule {
  readonly shape: Shape;
  accepts(value: unknown): boolean;
}

/** ajv's own validator. After a refusal it has the first complaint. */
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
