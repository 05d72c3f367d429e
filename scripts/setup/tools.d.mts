/** Absolute path of a program, or undefined. */
export function findProgram(name: string): string | undefined;
export function readyTools(options?: { readonly withClients?: boolean; readonly withMachine?: boolean }): Promise<void>;
/** Where packages are that are unpacked, not installed. */
export const unpackedFolder: string;
/** Where docker is unpacked for `npm run test:clients`. */
export const dockerFolder: string;
/** Where ufw is unpacked. */
export const ufwFolder: string;
/** Where podman's netavark is unpacked for `npm run test:clients`. */
export const netavarkFolder: string;
