/** What is known of an attachment that is to be removed. */

import type { Attachment } from "../../conf/attachment.ts";
import type { PluginType } from "../../conf/pluginType.ts";
import type { Raw } from "../../conf/request.ts";
import type { Removal } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";

/** An attachment that is to be removed. Its name is enough; all else helps to find what the name does not lead to. */
export interface Leaving {
  readonly attachment: Attachment;
  /** Undefined where the store knows nothing of it. */
  readonly entry: Entry | undefined;
  /** Path of the container's namespace, as the caller has it; may be empty. The entry knows better. */
  readonly netns: string;
  /** Of the plugin that is called. Absent for callers that have the entry alone. */
  readonly type?: PluginType | undefined;
  /** The configuration, whose `prevResult` describes an interface of the reference. */
  readonly raw?: Raw | undefined;
  /**
   * The host's end of the veth. `delete`: by its name. `deleted`: the caller has done it, many in one request. `absent`:
   * the host had none when the caller looked, and one that has the name by now is another call's.
   */
  readonly hostLink: "delete" | "deleted" | "absent";
  /** What the reference's plugins created. */
  readonly reference?: Removal | undefined;
}
