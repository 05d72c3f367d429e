/** The rules that the reference's plugins must have made of an attachment, by what libcni keeps of it. */
import type { Attachment } from "../../conf/attachment.ts";
import { portMappingsOf } from "../../conf/config/portMappings.ts";
import { isObject, type JsonObject } from "../../conf/decode.ts";
import { keptOf } from "../liveness/cachedResult.ts";
import type { ExpectedRules } from "./rulesLeft.ts";

/** Undefined if no runtime keeps anything of it, or nothing that can be read. */
export function rulesKept(attachment: Attachment, addresses: readonly string[]): ExpectedRules | undefined {
  const kept = keptOf(attachment);
  if (kept === undefined) return undefined;
  try {
    const plugins = pluginsIn(kept);
    const isMasqueraded = plugins.some(({ type, ipMasq }) => masqueradingTypes.includes(type) && ipMasq === true);
    const isPublished = plugins.some(({ type, capabilities }) => {
      return type === "portmap" && isObject(capabilities) && capabilities["portMappings"] === true;
    });
    return { attachment, addresses, isMasqueraded, ports: isPublished ? portsIn(kept) : [] };
  } catch {
    return undefined;
  }
}

const masqueradingTypes: readonly unknown[] = ["bridge", "ptp"];

/** The configuration is kept as the bytes that the runtime read. Throws if it is none. */
function pluginsIn(kept: JsonObject): JsonObject[] {
  const list = JSON.parse(Buffer.from(String(kept["config"]), "base64").toString()) as JsonObject;
  const plugins = list["plugins"];
  return Array.isArray(plugins) ? plugins.filter(isObject) : [list];
}

/** A runtime may name ports that it does not publish: their number on the host is 0. */
function portsIn({ capabilityArgs }: JsonObject) {
  const given = isObject(capabilityArgs) ? capabilityArgs["portMappings"] : undefined;
  const all = (Array.isArray(given) ? given.filter(isObject) : []) as Parameters<typeof portMappingsOf>[0];
  return portMappingsOf(all.filter(({ hostPort }) => hostPort !== 0));
}
