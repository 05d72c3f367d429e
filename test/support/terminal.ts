/** Runs a program in a terminal, as a person does, and answers what it wrote there. */

interface Size {
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

export interface OnTerminal {
  readonly code: number;
  /** Standard output and standard error, in order, with escape sequences. Lines end in "\n". */
  readonly text: string;
}

export async function onTerminal(
  command: readonly string[],
  { columns = 80, env, cwd }: Size = {},
): Promise<OnTerminal> {
  let text = "";
  const decoder = new TextDecoder();
  const { CNI_COMMAND: _, NO_COLOR: __, ...own } = process.env;
  const child = Bun.spawn([...command], {
    env: { ...own, TERM: "xterm", ...env },
    ...(cwd === undefined ? {} : { cwd }),
    terminal: {
      cols: columns,
      rows: 40,
      data: (_terminal: unknown, bytes: Uint8Array) => {
        text += decoder.decode(bytes, { stream: true });
      },
    },
  });
  const code = await child.exited;
  // The last output may arrive after the exit code.
  for (let before = -1; before !== text.length; ) {
    before = text.length;
    await Bun.sleep(20);
  }
  return { code, text: text.replaceAll("\r\n", "\n") };
}

/** Without colours. */
export const plain = (text: string): string => Bun.stripANSI(text);
