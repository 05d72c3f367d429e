/** The thread that deletes links for the agent (deletions.ts). */
import { deleteNamedLinks } from "../kernel/deleteLinks.ts";
import { openKernel } from "../kernel/kernel.ts";
import { collectWhenIdle } from "./idle.ts";

export interface Job {
  readonly network: string;
  readonly names: readonly string[];
}

/** The names that the host had, or why they could not be deleted. */
export interface JobDone {
  readonly found: readonly string[];
  readonly error?: string;
}

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<readonly Job[]>) => {
  self.postMessage(done(data));
  collectWhenIdle();
};

/** One request for each network: its group says that the links are to be deleted, also to a later gc. */
function done(jobs: readonly Job[]): readonly JobDone[] {
  using kernel = openKernel();
  const results = new Map<string, { readonly found: ReadonlySet<string>; readonly error?: string }>();
  for (const network of new Set(jobs.map((one) => one.network))) {
    const names = jobs.flatMap((one) => (one.network === network ? one.names : []));
    try {
      results.set(network, { found: deleteNamedLinks(network, names, kernel) });
    } catch (error) {
      results.set(network, { found: new Set(), error: (error as Error).message });
    }
  }
  return jobs.map(({ network, names }) => {
    const { found, error } = results.get(network)!;
    return { found: names.filter((name) => found.has(name)), ...(error !== undefined && { error }) };
  });
}
