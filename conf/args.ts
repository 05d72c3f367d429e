/** CNI_ARGS: `K=V;K2=V2`. Deprecated by the specification, but sent by every Kubernetes runtime and by podman. */
import { badVariable } from "./env.ts";
import { code, Fault, shown } from "./fault.ts";
import type { Labels } from "./request.ts";

const known = [
  ...["IgnoreUnknown", "IP", "MAC", "GATEWAY"],
  ...["K8S_POD_NAMESPACE", "K8S_POD_NAME", "K8S_POD_INFRA_CONTAINER_ID", "K8S_POD_UID"],
] as const;

/** The keys that were given with a value. The values are not checked yet. */
export type CniArgs = Partial<Record<(typeof known)[number], string>>;

/**
 * Throws code 4 for what Go's types.LoadArgs refuses: a pair without exactly one `=`, and an unknown key without
 * IgnoreUnknown. Keys are case-sensitive, as in Go. DEL must not call this: it must not fail because of CNI_ARGS.
 */
export function readArgs(text: string | undefined): CniArgs {
  const args: Record<string, string> = {};
  if (!text) return args;
  for (const pair of text.split(";")) {
    const [key, value, ...more] = pair.split("=");
    if (pair === "") continue;
    if (!key || value === undefined || more.length > 0) {
      throw badVariable("CNI_ARGS", text, `KEY=VALUE pairs separated by semicolons; ${shown(pair)} is none`);
    }
    if (value !== "" && key !== "__proto__") args[key] = value;
  }
  if (!ignoresUnknown(args.IgnoreUnknown)) refuseUnknown(Object.keys(args));
  return args;
}

/** As Go's types.UnmarshallableBool reads it. */
function ignoresUnknown(text = "0"): boolean {
  const word = text.toLowerCase();
  if (!["0", "1", "true", "false"].includes(word)) {
    throw badVariable("IgnoreUnknown in CNI_ARGS", text, "1, 0, true or false");
  }
  return word === "1" || word === "true";
}

function refuseUnknown(keys: readonly string[]): void {
  const unknown = keys.filter((key) => !(known as readonly string[]).includes(key));
  if (unknown.length === 0) return;
  throw new Fault(
    code.environment,
    `Cannot use ${unknown.join(", ")} in CNI_ARGS`,
    `the keys known are ${known.join(", ")}; IgnoreUnknown=1 lets others pass`,
  );
}

export function labelsOf(args: CniArgs): Labels {
  return {
    podNamespace: args.K8S_POD_NAMESPACE || undefined,
    podName: args.K8S_POD_NAME || undefined,
  };
}
