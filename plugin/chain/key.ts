/** Finds the record of a call if a list has several plugins of one type. */
import type { Attachment } from "../../conf/attachment.ts";
import type { PluginType } from "../../conf/pluginType.ts";
import type { Raw } from "../../conf/request.ts";
import { chainedType } from "../../plan/types.ts";
import type { ChainedKey } from "../../store/entry.ts";

/**
 * Most chained plugins occur once in an attachment and are found by type, even if their configuration was edited. Those
 * that may occur several times are distinguished by a hash of it.
 */
export function keyOf(attachment: Attachment, plugin: PluginType, raw: Raw): ChainedKey {
  return { attachment, plugin, config: chainedType(plugin).several ? configHash(raw) : "" };
}

/** Keys that a runtime writes into a plugin's configuration in each call. */
const writtenPerCall = ["cniVersion", "name", "prevResult", "runtimeConfig", "args"];

/** A hash of the plugin's own configuration: the same in ADD, CHECK and DEL. */
function configHash({ stdin }: Raw): string {
  const own = Object.entries(JSON.parse(stdin) as object).filter(
    ([key]) => !writtenPerCall.includes(key) && !key.startsWith("cni.dev/"),
  );
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(own.sort())).digest("hex").slice(0, 16);
}
