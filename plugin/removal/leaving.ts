/** An attachment that is to be removed, and what its caller knows of it. */

import type { Attachment } from "../../conf/attachment.ts";
import type { PluginType } from "../../conf/pluginType.ts";
import type { Raw } from "../../conf/request.ts";
import type { Removal } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";

/** The name is enough; the rest helps to find what the name does not lead to. */
export interface Leaving {
  readonly attachment: Attachment;
  /** Undefined if the store has none. */
  readonly entry: Entry | undefined;
  /** Path of the container's namespace, as the caller has it; may be empty. The entry knows better. */
  readonly netns: string;
  /** Type of the plugin that is called. Absent: the caller knows the entry alone. */
  readonly type?: PluginType | undefined;
  /** The configuration, whose `prevResult` describes an interface of the reference. */
  readonly raw?: Raw | undefined;
  /**
   * The host's end of the veth. `delete`: is deleted by its name. `deleted`: the caller has deleted it, with others in
   * one request. `absent`: the host had none when the caller looked; one that has the name now is of a later ADD.
   */
  readonly hostLink: "delete" | "deleted" | "absent";
  /** With `delete`: those of its links (`hostLinksOf`) that the host had, if the caller has deleted them already. */
  readonly deletedLinks?: ReadonlySet<string> | undefined;
  /** All that the reference's plugins created of it. */
  readonly reference?: Removal | undefined;
}
