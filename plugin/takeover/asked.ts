/** The attachment of the reference's plugins that a search is for. */

import type { Attachment } from "../../conf/attachment.ts";
import type { Identity } from "../../conf/request.ts";

export interface Asked extends Identity {
  readonly attachment: Attachment;
  readonly netns: string;
}
