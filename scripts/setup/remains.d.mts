export function removeRemains(folder: string): void;
