export function compile(
  bun: string,
  folder: string,
  version: string,
  libc?: string,
  target?: readonly string[],
): Promise<string>;
