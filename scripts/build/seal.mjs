/**
 * Removes from an executable the environment variables by which its caller could run code or a debugger in it: Bun
 * obeys them in every program that it compiled, and has no option against that. Replaces the first letter of each name
 * by a byte that no shell writes into a name. Keeps the rest, because linkers let other texts share the end of a text.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

export const sealedNames = [
  ...["BUN_OPTIONS", "BUN_BE_BUN", "BUN_TCC_OPTIONS"],
  ...["BUN_INSPECT", "BUN_INSPECT_PRELOAD", "BUN_INSPECT_CONNECT_TO"],
];

const firstLetter = 0x01;

/**
 * In messages and in JavaScript one of these comes before the name. There the name is not looked up, or must stay
 * readable.
 */
const behindText = new Set([..." .\"'`"].map((letter) => letter.charCodeAt(0)));

/**
 * Throws if the executable does not contain a name as the runtime looks it up: another version of Bun may spell or
 * store it differently.
 */
export function seal(path) {
  const bytes = readFileSync(path);
  const places = sealedNames.flatMap((name) => {
    if (bytes.indexOf(`\0${name}\0`) < 0)
      throw new Error(
        `Cannot seal ${path}: there is no ${name} in it; see how this version of Bun reads its environment`,
      );
    return placesOf(bytes, name);
  });
  const file = openSync(path, "r+");
  try {
    for (const place of new Set(places)) writeSync(file, Uint8Array.of(firstLetter), 0, 1, place);
  } finally {
    closeSync(file);
  }
}

function placesOf(bytes, name) {
  const places = [];
  for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + 1))
    if (!behindText.has(bytes[at - 1])) places.push(at);
  return places;
}
