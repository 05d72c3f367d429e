/** The description of a process to start: its namespaces, mounts, program. */
import type { NamespaceKind } from "./kinds.ts";

export interface Start {
  /** Existing namespaces, entered in this order: a descriptor of an nsfs file, or a pidfd with the kinds to enter. */
  readonly enter?: readonly { readonly fd: number; readonly kinds: readonly NamespaceKind[] }[];
  /** New namespaces, made after `enter`. With `user`, this user is root in it, and no other user exists there. */
  readonly create?: readonly NamespaceKind[];
  /** Set in the UTS namespace of the process, which must be entered or created. */
  readonly hostname?: string;
  /** Made in order, in the mount namespace of the process, before the program runs. */
  readonly mounts?: readonly Mount[];
  /** The working directory. Absent: the caller's, or the root of an entered mount namespace. */
  readonly directory?: string;
  /** Absent: the process only reaps, and keeps its namespaces until it is killed. Needs `init`. */
  readonly program?: Program;
  /** The descriptors that the process has as 0, 1 and 2. Absent: the caller's. */
  readonly streams?: readonly [number, number, number];
  /** The process reaps, as the first process of a PID namespace must; the program is its child and ends it. */
  readonly init?: boolean;
  /** A session of its own, so that no terminal sends it signals. */
  readonly session?: boolean;
  /** The kernel kills the process (SIGKILL) when the caller ends, however that ends. */
  readonly diesWithCaller?: boolean;
  /**
   * The caller lends the process its terminal, and from now on passes TERM, HUP, USR1 and USR2 to it instead of ending.
   * The caller waits by `waitFor`, which takes the terminal back.
   */
  readonly foreground?: boolean;
}

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  /** `mountFlag` of sysRare.ts. */
  readonly flags: number;
}

export interface Program {
  /** Paths, tried in turn until one exists: what PATH leads to inside is not known outside. */
  readonly paths: readonly string[];
  /** Its arguments, beginning with its name. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}
