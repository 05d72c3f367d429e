/** Captures of other programs (test/golden/, created by `npm run golden`): the witnesses of every codec. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { splitMessages } from "../../scripts/golden/strace.ts";

const folder = join(import.meta.dirname, "../golden");

interface Golden {
  readonly name: string;
  /** The command that sent the bytes, as a person would have typed it. */
  readonly command: string;
  /** The commands before it. */
  readonly given: readonly string[];
  /** Whole netlink messages with their headers, in order; for nf_tables with begin and end of the batch. */
  readonly messages: readonly Uint8Array[];
}

export function golden(name: string): Golden {
  const lines = readFileSync(join(folder, `${name}.hex`), "utf8").split("\n");
  const comments = lines.filter((line) => line.startsWith("#")).map((line) => line.slice(2));
  const bytes = lines
    .map((line) => line.replace(/#.*/, "").trim())
    .flatMap((line) => (line === "" ? [] : line.split(/\s+/)))
    .map((byte) => Number.parseInt(byte, 16));
  return {
    name,
    command: comments[0] ?? "",
    given: comments.filter((line) => line.startsWith("given: ")).map((line) => line.slice("given: ".length)),
    messages: splitMessages(Uint8Array.from(bytes)),
  };
}

export const goldenNames = (): string[] =>
  readdirSync(folder)
    .map((file) => file.replace(/\.hex$/, ""))
    .sort();

/** For readable failures: rows of four bytes, as attributes are aligned. */
export function rows(bytes: Uint8Array): string[] {
  const text: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) text.push(Buffer.from(bytes.subarray(at, at + 4)).toString("hex"));
  return text;
}
