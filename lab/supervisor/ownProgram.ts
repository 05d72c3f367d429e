/** This program, for another process of it. */

/** The first words of its command line: of the executable, or under Bun alone also its first file. */
export function ownWords(): string[] {
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  return isCompiled ? ["ns-net"] : [process.execPath, Bun.main];
}
