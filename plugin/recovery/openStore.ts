/** Opens the store; one that is missing, or that an earlier ns-net wrote in another format, is rebuilt from the kernel first. */

import type { Kernel } from "../../kernel/kernel.ts";
import { openExistingStore, openStore } from "../../store/index.ts";
import type { Fill, Store } from "../../store/store.ts";
import defer * as rebuilding from "./rebuild.ts";
import type { RebuildScope } from "./scope.ts";

/** For a call that attaches: creates the store if it does not exist. */
export function openOrCreate(scope: RebuildScope, kernel: Kernel): Store {
  return openStore(scope.dataDir, undefined, filledFrom(kernel, scope));
}

/** For a call that needs the store only if it exists: undefined, and nothing created, if there is none. */
export function openExisting(scope: RebuildScope, kernel: Kernel): Store | undefined {
  return openExistingStore(scope.dataDir, undefined, filledFrom(kernel, scope));
}

function filledFrom(kernel: Kernel, scope: RebuildScope): Fill {
  return (draft, aside) => {
    const count = rebuilding.rebuild(draft, kernel, scope);
    if (aside === undefined) return;
    kernel.stderr(
      `ns-net: an earlier ns-net wrote the store in ${scope.dataDir}, in a format that this version does not read: ` +
        `it is kept as ${aside}, and the store now has the ${count} attachments that the kernel shows\n`,
    );
  };
}
