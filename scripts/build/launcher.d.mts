type Cpu = "x64" | "arm64";

export function compilerFor(cpu: Cpu): string | undefined;
export function compilerCure(cpu: Cpu): string;
export function compileLauncher(cpu: Cpu, version: string, output: string): Promise<void>;
