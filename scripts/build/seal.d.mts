export const sealedNames: readonly string[];
export function seal(path: string): void;
