/**
 * The results that libcni keeps (libcni/api.go of containernetworking/cni), which containerd, CRI-O, podman and nomad
 * use: one file an attachment. Since libcni 1.2 it has the path of the container's namespace; before, the interfaces of
 * the result alone have it.
 */
import { readFileSync } from "node:fs";
import type { Attachment } from "../../conf/attachment.ts";
import { isObject, type JsonObject } from "../../conf/decode.ts";

/** libcni's own default, which runtimes do not change. */
const cacheFolder = "/var/lib/cni/results";

/**
 * The path that the runtime gave the plugins; empty if it kept none. Another namespace may be there by now, so this shows
 * that an attachment may live, and nothing else.
 */
export function namespaceInResult(attachment: Attachment): string {
  const kept = keptOf(attachment);
  const path = kept?.["netns"] ?? sandboxIn(kept?.["result"], attachment.ifname);
  return typeof path === "string" ? path : "";
}

/** All that libcni keeps of an attachment; undefined if there is no such file, or if a runtime is writing it. */
export function keptOf({ network, container, ifname }: Attachment): JsonObject | undefined {
  try {
    const kept: unknown = JSON.parse(readFileSync(`${cacheFolder}/${network}-${container}-${ifname}`, "utf8"));
    return isObject(kept) && kept["containerId"] === container ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** Versions before 0.3.0 of the specification have no interfaces. */
function sandboxIn(result: unknown, ifname: string): unknown {
  const interfaces = isObject(result) ? result["interfaces"] : undefined;
  if (!Array.isArray(interfaces)) return undefined;
  return interfaces.filter(isObject).find(({ name, sandbox }) => name === ifname && sandbox)?.["sandbox"];
}
