/**
 * Before an interface is created: removes the remains of an interrupted ADD of the same attachment, and refuses an
 * impossible request.
 */
import { type Attachment, attachmentText } from "../../conf/attachment.ts";
import { code, deleteFirst, Fault } from "../../conf/fault.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import type { Facts } from "../../plan/facts.ts";
import { refuseImpossible } from "../preflight/impossible.ts";
import defer * as interruptedAdd from "../removal/interruptedAdd.ts";
import type { Asked } from "./asked.ts";
import { interfaceFacts } from "./facts/interface.ts";

/** Answers the facts afterwards. Throws Fault for an ADD that would fail half-way. */
export async function clearWay({ request, kernel }: Asked): Promise<Facts> {
  const { attachment, config } = request;
  let facts = interfaceFacts(request, kernel);
  if (facts.isIfnameTaken || isPresent(attachment, kernel)) {
    const isUndone = await interruptedAdd.undoInterrupted(attachment, config.dataDir, kernel);
    if (isUndone) facts = interfaceFacts(request, kernel);
  }
  refuseImpossible(attachment, config, facts);
  refuseAttached(attachment, kernel);
  return facts;
}

function isPresent(attachment: Attachment, kernel: Kernel): boolean {
  return kernel.link("host", hostLinkName(attachment)) !== undefined;
}

/**
 * The host veth exists and its inner end is not in this namespace: the attachment lives in another one. A cheap early
 * check; `refuseLiving` repeats it inside the store's transaction.
 */
function refuseAttached(attachment: Attachment, kernel: Kernel): void {
  if (!isPresent(attachment, kernel)) return;
  const host = hostLinkName(attachment);
  throw new Fault(
    code.environment,
    `Cannot attach ${attachmentText(attachment)}: it is attached already, by link ${host} to another namespace`,
    deleteFirst,
  );
}
