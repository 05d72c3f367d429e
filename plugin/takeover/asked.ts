/** What a search for an attachment of the reference's plugins is given. */

import type { Attachment } from "../../conf/attachment.ts";
import type { Identity } from "../../conf/request.ts";

export interface Asked extends Identity {
  readonly attachment: Attachment;
  readonly netns: string;
}
