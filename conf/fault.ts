/**
 * The one kind of error a person or a runtime gets to see: a code, a sentence and a cure.
 * Codes 1–99 are the specification's (SPEC.md, section "Error"); 100 and up are ours.
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
  /** The kernel refused a request that we had every reason to think valid. */
  kernel: 100,
  /** CHECK found something other than what ADD had made. */
  checkFailed: 101,
  /** A bug of ours. The Go library uses the same number for "internal". */
  internal: 999,
} as const;

export type Code = (typeof code)[keyof typeof code];

/** `sentence` says what failed and with which value, without a final full stop; `cure` says what to do about it. */
export class Fault extends Error {
  readonly code: number;
  readonly cure: string;

  constructor(faultCode: number, sentence: string, cure = "") {
    super(sentence);
    this.name = "Fault";
    this.code = faultCode;
    this.cure = cure;
  }
}

/** The caller lacks a right. Of its own class, so that the command line can name the cure as a command. */
export class NotPermitted extends Fault {}

/** A key of the configuration that cannot be used: `Cannot use mtu = 42`, `mtu must be …`; or one that is missing. */
export function badConfig(path: string, value: unknown, mustBe: string): Fault {
  if (value === undefined) return new Fault(code.config, `The key ${path} is missing`, `${path} must be ${mustBe}`);
  return new Fault(code.config, `Cannot use ${path} = ${shown(value)}`, `${path} must be ${mustBe}`);
}

/** A key that asks for something we do not do, so that nothing is silently left out. */
export function unserved(path: string, value: unknown, cure: string): Fault {
  return new Fault(code.unsupportedField, `Cannot use ${path} = ${shown(value)}: ns-net does not serve it`, cure);
}

const shownLengthMax = 120;

/** A value as JSON, cut to a length a log line can bear. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text;
}
