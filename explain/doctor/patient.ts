/**
 * The machine as the doctor's checks see it. A part that this user may not see throws when it is read, and the checks that
 * need it are skipped.
 */
import type { Kernel } from "../../kernel/kernel.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import type { Namespace } from "../namespaces/everyNamespace.ts";
import type { Configured } from "../networks/configured.ts";
import type { Network } from "../networks/everyNetwork.ts";
import type { Site } from "../path/site/site.ts";

/** A file of the folder of configurations, in the order in which runtimes read them. */
export interface ConfigurationFile {
  readonly path: string;
  /** Undefined if `mistake` says why it cannot be read. */
  readonly configuration: Readonly<Record<string, unknown>> | undefined;
  readonly mistake: string;
  /** Why runtimes cannot read it, which read JSON alone; absent if they can, or do not try. */
  readonly notJson?: string | undefined;
}

/** Versions of ns-net; undefined where there is none, or where it is not known. */
export interface Versions {
  readonly own: string;
  readonly binDir: string;
  readonly installed: string | undefined;
  readonly launcher: string | undefined;
  /** The agent that answers. */
  readonly agent: string | undefined;
}

/** An attachment that differs from what ADD made. */
export interface Drifted {
  /** Its name, and what differs first. */
  readonly text: string;
  readonly cure: string;
  /** It could not be compared. */
  readonly isUnknown: boolean;
}

export interface Patient {
  readonly isRoot: boolean;
  /** The words that further commands of ns-net need to look at the same store: ` --data-dir FOLDER`, or nothing. */
  readonly sameStore: string;
  readonly kernel: Kernel;
  readonly host: Site;
  /** Undefined if nothing was ever attached. */
  readonly store: Store | undefined;
  readonly entries: readonly Entry[];
  /** Those that may live, and the same of other plugins before the first ADD of their network. */
  readonly attached: readonly Entry[];
  readonly networks: readonly Network[];
  readonly configured: readonly Configured[];
  /** Every network namespace, with the other ends of veths. */
  readonly namespaces: readonly Namespace[];
  readonly files: readonly ConfigurationFile[];
  /** The folder of the plugins' executables. */
  readonly binDir: string;
  /** True if ns-net runs under that name in the folder. */
  readonly isServed: (type: string) => boolean;
  versions(): Promise<Versions>;
  /** The things that `ns-net gc` would remove, a line each. */
  stale(): Promise<readonly string[]>;
  /** A sentence if the store is gone while its links exist. */
  lost(): string | undefined;
  /** Attachments that differ from what ADD made. */
  drifted(): readonly Drifted[];
}
