/**
 * The results that libcni keeps (libcni/api.go of containernetworking/cni), which containerd, CRI-O, podman and nomad
 * use: one file an attachment, since libcni 1.2 with the path of the container's namespace.
 */
import { readFileSync } from "node:fs";
import type { Attachment } from "../../conf/attachment.ts";
import { isObject } from "../../conf/decode.ts";

/** libcni's own default, which runtimes do not change. */
const cacheFolder = "/var/lib/cni/results";

/**
 * The path that the runtime gave the plugins; empty if it kept none. Another namespace may be there by now, so this shows
 * that an attachment may live, and nothing else.
 */
export function namespaceInResult({ network, container, ifname }: Attachment): string {
  try {
    const kept: unknown = JSON.parse(readFileSync(`${cacheFolder}/${network}-${container}-${ifname}`, "utf8"));
    const path = isObject(kept) && kept["containerId"] === container ? kept["netns"] : undefined;
    return typeof path === "string" ? path : "";
  } catch {
    return ""; // there is no such file, or a runtime is writing it
  }
}
