/** Steps as a script that a person can read and run: the reason of each group of commands is a comment above it. */
import { printStep, reasonOf, type Step } from "./index.ts";
import type { PrintContext } from "./kind.ts";

/** Steps of one container. */
export interface Part {
  readonly steps: readonly Step[];
  /** Path of the container's namespace. */
  readonly netns: string;
}

/**
 * Neighbouring steps with one reason are a group. A step that needs no command here has no comment either. A command
 * appears once, though several steps may need it: a table of nf_tables, or the ingress of a link.
 */
export function explained(steps: readonly Step[], { kernel, netns }: PrintContext): string[] {
  return new Explainer(kernel).explain({ steps, netns });
}

/** Explains parts of one script, one after the other, for the same host. */
export class Explainer {
  readonly #kernel: PrintContext["kernel"];
  readonly #done = new Set<string>();
  /** The steps of earlier parts that concern the host alone. */
  readonly #ofHost: Step[] = [];

  constructor(kernel: PrintContext["kernel"] = undefined) {
    this.#kernel = kernel;
  }

  explain({ steps, netns }: Part): string[] {
    const lines: string[] = [];
    const earlier = [...this.#ofHost];
    let last = "";
    for (const step of steps) {
      const context = { netns, kernel: this.#kernel, earlier };
      const commands = printStep(step, context).filter((one) => !this.#done.has(one));
      earlier.push(step);
      if (isOfHost(step)) this.#ofHost.push(step);
      if (commands.length === 0) continue;
      const reason = commentOf(reasonOf(step));
      if (reason !== last) lines.push(reason);
      last = reason;
      for (const command of commands) this.#done.add(command);
      lines.push(...commands);
    }
    return lines;
  }
}

/** True if its commands are the same for every container. */
function isOfHost(step: Step): boolean {
  const [one, other] = ["/one", "/other"].map((netns) => printStep(step, { netns }));
  return Bun.deepEquals(one, other);
}

/** One line, whatever names the configuration has: what follows a line break would be a command. */
const commentOf = (reason: string): string => `# ${reason.replace(/\p{Cc}/gu, "?")}`;
