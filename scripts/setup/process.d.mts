import type { SpawnOptions } from "node:child_process";

export class ProgramFailed extends Error {
  readonly said: string;
}
export function run(command: string, args: readonly string[], options?: SpawnOptions): Promise<string>;
