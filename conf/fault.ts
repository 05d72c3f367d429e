/**
 * The one kind of error that a person or a runtime sees: a code, a sentence and a cure. Codes 1–99 are the
 * specification's (SPEC.md, section "Error"); 100 and up are ours.
 */
export const code = {
  version: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  environment: 4,
  io: 5,
  decode: 6,
  config: 7,
  netns: 8,
  tryAgain: 11,
  unavailable: 50,
  limitedConnectivity: 51,
  /** The kernel refused a request that looked valid. */
  kernel: 100,
  /** CHECK found a difference from what ADD created. */
  checkFailed: 101,
  /** A bug in ns-net. The Go library uses the same number for "internal". */
  internal: 999,
} as const;

export type Code = (typeof code)[keyof typeof code];

/** Who reads the words: a runtime speaks CNI (false); a person typed options and operands of `ns-net` (true). */
export interface Audience {
  readonly byHand: boolean;
}

/** Words for every reader, or a function of the reader where a runtime and a person have different names for a thing. */
export type Words = string | ((audience: Audience) => string);

/** Words for a runtime, and for a person. */
export function forAudience(runtime: string, person: string): Words {
  return ({ byHand }) => (byHand ? person : runtime);
}

const toRuntime: Audience = { byHand: false };
/** The words that this reader gets. */
export function wordsTo(audience: Audience, words: Words): string {
  return typeof words === "string" ? words : words(audience);
}

/**
 * `sentence` says what failed and with which value, without a final full stop; `cure` says what to do about it. The
 * property `message` is the sentence for a runtime.
 */
export class Fault extends Error {
  readonly code: number;
  readonly #sentence: Words;
  readonly #cure: Words;

  constructor(faultCode: number, sentence: Words, cure: Words = "") {
    super(wordsTo(toRuntime, sentence));
    this.name = "Fault";
    this.code = faultCode;
    this.#sentence = sentence;
    this.#cure = cure;
  }

  sentence(audience = toRuntime): string {
    return wordsTo(audience, this.#sentence);
  }

  /** Empty if there is none. */
  cure(audience = toRuntime): string {
    return wordsTo(audience, this.#cure);
  }

  /** The same words under another code. */
  withCode(faultCode: number): Fault {
    return new Fault(faultCode, this.#sentence, this.#cure);
  }
}

/** The cure where this call was too late or was interrupted, and the next one can succeed. */
export const callAgain = forAudience("Call ADD again", "Call it again");

/** The cure where an attachment of that name exists. */
export const deleteFirst = forAudience(
  "Delete the attachment first (CNI DEL, or 'ns-net del')",
  "Delete the attachment first (ns-net del)",
);

/** The caller lacks a right. A class, so that the command line can name the cure as a command. */
export class NotPermitted extends Fault {}

/** A key of the configuration is missing, or cannot be used: `Cannot use mtu = 42`, `mtu must be …`. */
export function badConfig(path: string, value: unknown, mustBe: string): Fault {
  if (value === undefined) return new Fault(code.config, `The key ${path} is missing`, `${path} must be ${mustBe}`);
  return new Fault(code.config, `Cannot use ${path} = ${shown(value)}`, `${path} must be ${mustBe}`);
}

/** A key requests something that ns-net does not do. Nothing is left out silently. */
export function unserved(path: string, value: unknown, cure: string): Fault {
  return new Fault(code.unsupportedField, `Cannot use ${path} = ${shown(value)}: ns-net does not serve it`, cure);
}

const shownLengthMax = 120;

/** A value as JSON, cut to a length that fits a log line. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text;
}
