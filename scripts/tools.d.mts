/** Absolute path of a program, or undefined. */
export function findProgram(name: string): string | undefined;
export function readyTools(withClients?: boolean): void;
