/** The rights of this process: root of a container may lack those that the plugin needs. linux/capability.h */
import { readText } from "../../../sys/files.ts";
import { type Check, fail, ok, skipped } from "../finding.ts";

/** By their bit, with the reason. */
const needed = {
  CAP_NET_ADMIN: [12, "changes links, addresses, routes and rules"],
  CAP_SYS_ADMIN: [21, "enters the namespaces of containers"],
  CAP_SYS_PTRACE: [19, "opens the namespaces of processes of other users"],
} as const;

export const capabilities: Check = {
  id: "capabilities",
  run({ isRoot }) {
    if (!isRoot)
      return [skipped("this user is not root; the plugin runs with the rights of the runtime", "Run it as root")];
    const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(readText("/proc/self/status"))?.[1] ?? "0"}`);
    const missing = Object.entries(needed).filter(([, [bit]]) => ((bits >> BigInt(bit)) & 1n) === 0n);
    if (missing.length === 0) return [ok(`this process has ${Object.keys(needed).join(", ")}`)];
    return missing.map(([name, [, why]]) =>
      fail(
        `${name} is missing: the plugin ${why}`,
        `Run the runtime with ${name}, or on the machine instead of in a container`,
      ),
    );
  },
};
