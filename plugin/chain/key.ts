/** Which of several plugins of one type in a list a call is for. */
import type { Raw } from "../../conf/request.ts";

/** What a runtime writes into a plugin's configuration, each time anew. */
const writtenPerCall = ["cniVersion", "name", "prevResult", "runtimeConfig", "args"];

/** A hash of the plugin's own configuration: the same in ADD, CHECK and DEL. */
export function configHash({ stdin }: Raw): string {
  const own = Object.entries(JSON.parse(stdin) as object).filter(
    ([key]) => !writtenPerCall.includes(key) && !key.startsWith("cni.dev/"),
  );
  return new Bun.CryptoHasher("sha256").update(JSON.stringify(own.sort())).digest("hex").slice(0, 16);
}
