/** Steps as a script that a person can read and run: the reason of each group of commands is a comment above it. */
import { printStep, reasonOf, type Step } from "./index.ts";
import type { PrintContext } from "./kind.ts";

/**
 * Neighbouring steps with one reason are a group. A step that needs no command here has no comment either. A command
 * appears once, though several steps may need it: a table of nf_tables, or the ingress of a link.
 */
export function explained(steps: readonly Step[], context: PrintContext): string[] {
  const lines: string[] = [];
  const done = new Set<string>();
  let last = "";
  for (const [i, step] of steps.entries()) {
    const commands = printStep(step, { ...context, earlier: steps.slice(0, i) }).filter((one) => !done.has(one));
    if (commands.length === 0) continue;
    const reason = commentOf(reasonOf(step));
    if (reason !== last) lines.push(reason);
    last = reason;
    for (const command of commands) done.add(command);
    lines.push(...commands);
  }
  return lines;
}

/** One line, whatever names the configuration has: what follows a line break would be a command. */
const commentOf = (reason: string): string => `# ${reason.replace(/\p{Cc}/gu, "?")}`;
