/** Colours for people: on a terminal only, and not with NO_COLOR (no-color.org). */
import { styleText } from "node:util";
import { isTerminal, type Output, output } from "./terminal.ts";

/** By what the text says, so that the same thing has the same colour everywhere. */
const styles = { good: "green", bad: "red", unsure: "yellow", faint: "gray", title: "bold" } as const;

export type Style = keyof typeof styles;

/** The text as it is written there. */
export function coloured(style: Style | undefined, text: string, to: Output = output.standard): string {
  return style !== undefined && hasColours(to) ? styleText(styles[style], text, { validateStream: false }) : text;
}

/** NO_COLOR counts if it is not empty. */
function hasColours(to: Output): boolean {
  return isTerminal(to) && !process.env["NO_COLOR"];
}
