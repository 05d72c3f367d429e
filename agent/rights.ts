/** An agent that lacks a right would answer calls with errors which the executable, with the runtime's rights, can serve. */
import { code, NotPermitted } from "../conf/fault.ts";
import { readText } from "../sys/files.ts";

/** linux/capability.h */
const needed = { CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n } as const;

/** Throws NotPermitted that names what is missing. */
export function requireRights(): void {
  const [, effective = "0"] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readText("/proc/self/status")) ?? [];
  const rights = BigInt(`0x${effective}`);
  const missing = Object.entries(needed).flatMap(([name, bit]) => ((rights >> bit) & 1n ? [] : [name]));
  if (missing.length === 0) return;
  throw new NotPermitted(
    code.io,
    `Cannot serve calls of container runtimes without ${missing.join(" and ")}`,
    "Run it as root with all capabilities; in a container, set privileged: true",
  );
}
