export function phase<Answer>(
  what: string,
  work: () => Answer | Promise<Answer>,
  stream?: { write(text: string): unknown; isTTY?: boolean },
): Promise<Answer>;
