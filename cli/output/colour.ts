/** Colours for people: on a terminal only, and not with NO_COLOR (no-color.org). */
import { hasEscapes, type Output, output } from "./terminal.ts";

/**
 * By what the text says, so that the same thing has the same colour everywhere: the codes of ECMA-48 (SGR) that begin and
 * end green, red, yellow, gray and bold.
 */
const styles = { good: [32, 39], bad: [31, 39], unsure: [33, 39], faint: [90, 39], title: [1, 22] } as const;

export type Style = keyof typeof styles;

/** The text as it is written there. */
export function coloured(style: Style | undefined, text: string, to: Output = output.standard): string {
  if (style === undefined || !hasColours(to)) return text;
  const [begin, end] = styles[style];
  return `\x1b[${begin}m${text}\x1b[${end}m`;
}

/** NO_COLOR counts if it is not empty. */
function hasColours(to: Output): boolean {
  return hasEscapes(to) && !process.env["NO_COLOR"];
}
