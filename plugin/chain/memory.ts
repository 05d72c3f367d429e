/** The record of a chained plugin: what it did, so that DEL needs neither `prevResult` nor `runtimeConfig`. */
import { noLease } from "../../plan/chain.ts";
import { chainedType } from "../../plan/types.ts";
import type { Store } from "../../store/store.ts";
import type { Asked } from "../attach/asked.ts";
import type { Memory, Prepared } from "../attach/memory.ts";
import { throwTogether } from "../faults.ts";
import { openOrCreate } from "../recovery/openStore.ts";
import { keyOf } from "./key.ts";
import { placeOf } from "./place.ts";
import { undoRecorded } from "./undo.ts";

export function chainedMemory({ request, kernel }: Asked): Memory {
  const { config, netns } = request;
  const key = keyOf(request.attachment, config.type, request.raw);
  let store: Store | undefined;
  let isWritten = false;

  /** Answers the record of an earlier ADD without a DEL, and then writes nothing. */
  const remember = ({ plan: { steps, ports } }: Prepared) =>
    store?.remember({ ...key, ...placeOf(netns, steps, kernel), steps }, ports);

  return {
    lease: async () => ({ lease: noLease }),

    async begin(first, again) {
      let prepared = first;
      if (prepared.steps.length === 0 || chainedType(config.type).remembers === false) return prepared;
      store ??= openOrCreate({ dataDir: config.dataDir }, kernel);
      for (let earlier = remember(prepared); earlier; earlier = remember(prepared)) {
        // The facts must not include the work of the earlier ADD, nor must DEL restore it.
        throwTogether(undoRecorded([earlier], netns, store, kernel));
        kernel.forgetAll();
        prepared = await again();
      }
      isWritten = true;
      return prepared;
    },

    end() {},

    async giveBack() {
      if (isWritten) store?.forget(key); // another record is an earlier ADD's, and DEL needs it
      isWritten = false;
    },
  };
}
