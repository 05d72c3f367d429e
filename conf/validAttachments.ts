/** GC's list of valid attachments. Everything else will be removed, so nothing here is guessed. */
import { isObject, type JsonObject } from "./decode.ts";
import { badConfig } from "./fault.ts";
import type { CollectRequest } from "./request.ts";

/** The specification's key, and libcni's first one, which it still sends, too. */
const listKeys = ["cni.dev/valid-attachments", "cni.dev/attachments"];

const mustBe = 'a list such as [{"containerID": "web", "ifname": "eth0"}]; [] removes all';

/**
 * Throws code 7 without a list: an empty list means "remove all", a missing one may mean anything. null is Go's empty
 * list.
 */
export function readValidAttachments(object: JsonObject): CollectRequest["valid"] {
  const key = listKeys.find((listKey) => Object.hasOwn(object, listKey)) ?? listKeys[0]!;
  const list = object[key] === null ? [] : object[key];
  if (!Array.isArray(list)) throw badConfig(key, list, mustBe);
  return list.map((item: unknown, i) => {
    const container = stringAt(item, "containerid");
    const ifname = stringAt(item, "ifname");
    if (container === undefined || ifname === undefined)
      throw badConfig(`${key}[${i}]`, item, "an object with containerID and ifname");
    return { container, ifname };
  });
}

function stringAt(item: unknown, lowerCaseKey: string): string | undefined {
  const entry = isObject(item) ? Object.entries(item).find(([key]) => key.toLowerCase() === lowerCaseKey) : undefined;
  return typeof entry?.[1] === "string" ? entry[1] : undefined;
}
