/**
 * The part of JSON Schema that describes our configuration, with two additions: every schema has words for what the
 * value `mustBe` (the second half of a complaint), and TypeScript infers the type of accepted values, so a key is
 * described once. scripts/build/validators.ts compiles the schemas and publishes them for editors.
 */

export interface Schema<Accepted = unknown> {
  readonly type: "object" | "array" | "string" | "integer" | "boolean";
  /** For people, in editors. */
  readonly description: string;
  /** Completes "mtu must be …". */
  readonly mustBe: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  /** Never set: it only carries the type. */
  readonly accepted?: Accepted;
}

/** The type of the values that a schema accepts. */
export type Accepted<S> = S extends Schema<infer T> ? T : never;

type Properties = Readonly<Record<string, Schema>>;

type ObjectOf<P extends Properties, Required extends keyof P> = {
  readonly [Key in Required]: Accepted<P[Key]>;
} & { readonly [Key in Exclude<keyof P, Required>]?: Accepted<P[Key]> | undefined };

export function flag(description: string, byDefault: boolean): Schema<boolean> {
  return { type: "boolean", description, mustBe: "true or false", default: byDefault };
}

/** A flag whose default follows from another key. */
export function choice(description: string): Schema<boolean> {
  return { type: "boolean", description, mustBe: "true or false" };
}

export function text(description: string, mustBe = "a string"): Schema<string> {
  return { type: "string", description, mustBe };
}

export function oneOf<Word extends string>(description: string, ...words: readonly Word[]): Schema<Word> {
  return { type: "string", description, mustBe: words.map((word) => `"${word}"`).join(" or "), enum: words };
}

/** A whole number of at least `minimum` and at most `maximum`. */
export function whole(description: string, minimum: number, maximum: number, mustBe?: string): Schema<number> {
  const limits = `a whole number from ${minimum} to ${maximum}`;
  return { type: "integer", description, mustBe: mustBe ?? limits, minimum, maximum };
}

export function list<S extends Schema>(
  description: string,
  items: S,
  { minItems = 0, mustBe = "a list" } = {},
): Schema<readonly Accepted<S>[]> {
  return { type: "array", description, mustBe, items, ...(minItems > 0 && { minItems }) };
}

/** Unknown keys are allowed everywhere: configurations are shared with other plugins and with runtimes. */
export function object<P extends Properties, Required extends keyof P & string = never>(
  description: string,
  properties: P,
  required: readonly Required[] = [],
): Schema<ObjectOf<P, Required>> {
  return {
    type: "object",
    description,
    mustBe: "an object",
    properties,
    ...(required.length > 0 && { required }),
  };
}
