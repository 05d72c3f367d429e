/** The requests of each verb. `Request` is validated whole; `Identity` is the little that DEL and GC depend on. */
import type { Attachment } from "./attachment.ts";
import type { NetworkConfig } from "./config/config.ts";
import type { PluginType } from "./pluginType.ts";
import type { Version } from "./version.ts";

export type Verb = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION";

/** CNI's environment and standard input unchanged, for a delegate. */
export interface Raw {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: string;
}

/** The pod in CNI_ARGS, only for `ls` and logs. */
export interface Labels {
  readonly podNamespace?: string | undefined;
  readonly podName?: string | undefined;
}

/** ADD and CHECK. */
export interface Request {
  readonly attachment: Attachment;
  /** Path of the network namespace. */
  readonly netns: string;
  readonly config: NetworkConfig;
  /** CNI_NETNS_OVERRIDE: the namespace may be the caller's own. */
  readonly mayBeOwnNetns: boolean;
  /** Folders of CNI_PATH, in order. */
  readonly pluginPath: readonly string[];
  readonly labels: Labels;
  readonly raw: Raw;
}

/** The part of a configuration that DEL and GC read. They never refuse it: a missing or odd key takes its default. */
export interface Identity {
  /** Absent: ns-net. */
  readonly type?: PluginType;
  readonly network: string;
  readonly cniVersion: Version;
  readonly dataDir: string;
  readonly bridge: string;
  /** "ns-net", "host-local", "static", "none", or the name of a delegate. */
  readonly ipamType: string;
  readonly pluginPath: readonly string[];
  readonly raw: Raw;
}

/** DEL: `netns` may be empty or gone. */
export interface DeleteRequest extends Identity {
  readonly attachment: Attachment;
  readonly netns: string;
}

/** GC: the attachments of this network that are still valid. */
export interface CollectRequest extends Identity {
  readonly valid: readonly { readonly container: string; readonly ifname: string }[];
}

/** STATUS: the whole configuration, no attachment. */
export interface StatusRequest {
  readonly config: NetworkConfig;
  readonly pluginPath: readonly string[];
  readonly raw: Raw;
}
