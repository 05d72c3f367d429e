/** The table of commands with each loaded: what completion and the manual page are made from. */
import type { Command } from "../command.ts";
import { commands } from "../index.ts";

export interface Described {
  readonly name: string;
  /** One line, as in the overview. */
  readonly about: string;
  readonly definition: Command;
}

export async function everyCommand(): Promise<Described[]> {
  return Promise.all(
    Object.entries(commands).map(async ([name, { about, load }]) => ({ name, about, definition: await load() })),
  );
}
