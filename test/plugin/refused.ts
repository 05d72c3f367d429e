/** The form of every refusal. */
import assert from "node:assert/strict";
import type { Answer } from "../support/plugin.ts";

/** One error object and nothing else, of this code, with a sentence and a cure. */
export function assertRefused({ code, stdout, json, signal }: Answer, expected: number, says = /./): void {
  assert.equal(signal, undefined);
  assert.equal(stdout.trim().split("\n").length, 1, `more than one line: ${stdout}`);
  assert.equal(json.code, expected, stdout);
  assert.notEqual(code, 0);
  assert.match(json.msg, says);
  assert.match(json.msg, /^[A-Z].{10,}[^.]$/s, "no sentence");
  assert.ok(json.details?.length > 5, `no cure: ${stdout}`);
  assert.doesNotMatch(stdout, /\[object|undefined|NaN|Internal error/);
}
