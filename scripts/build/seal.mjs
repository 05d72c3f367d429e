/**
 * Takes from an executable the variables by which whoever sets its environment runs code of their own in it, or a
 * debugger: Bun heeds them in every program that it compiled, and has no option against that. Each name loses its first
 * letter to a byte that no shell writes into a name. The rest stays: linkers let other texts share the end of a text.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

export const sealedNames = [
  ...["BUN_OPTIONS", "BUN_BE_BUN", "BUN_TCC_OPTIONS"],
  ...["BUN_INSPECT", "BUN_INSPECT_PRELOAD", "BUN_INSPECT_CONNECT_TO"],
];

const firstLetter = 0x01;

/** In messages and in JavaScript a name stands behind one of these; there it is read by nobody, or must stay readable. */
const behindText = new Set([..." .\"'`"].map((letter) => letter.charCodeAt(0)));

/** Throws for a name that is not there as the runtime looks it up: another version of Bun may spell or keep it in another way. */
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
