/**
 * The backup that the reference's tuning writes before it changes an interface (plugins/meta/tuning/tuning.go,
 * createBackup): `<dataDir>/<container>_<ifname>.json`, with those of mac, mtu, promisc, allmulti and txQLen that it
 * changes.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Tunables } from "../conf/config/config.ts";
import { isObject, type JsonObject } from "../conf/decode.ts";
import { absolutePath } from "../conf/nameRules.ts";
import type { DeleteRequest } from "../conf/request.ts";

/** The reference's default for `dataDir`, also tried because the configuration may have been edited since ADD. */
const defaultFolder = "/run/cni/tuning";

/** The backup of an interface, and its file; undefined if there is none. */
export function backupOf({ attachment, raw }: DeleteRequest): { was: Tunables; file: string } | undefined {
  const { container, ifname } = attachment;
  const dataDir = objectIn(raw.stdin)?.["dataDir"];
  const folders =
    typeof dataDir === "string" && absolutePath.allows(dataDir) ? [dataDir, defaultFolder] : [defaultFolder];
  for (const folder of folders) {
    const file = join(folder, `${container}_${ifname}.json`);
    const was = noted(file);
    if (was) return { was, file };
  }
  return undefined;
}

export function removeBackup(file: string): void {
  rmSync(file, { force: true });
}

function noted(file: string): Tunables | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
  const was = objectIn(text);
  return was && tunablesIn(was);
}

/** Go writes an unset number as 0. */
function tunablesIn({ mac, mtu, promisc, allmulti, txQLen }: JsonObject): Tunables {
  return {
    ...(typeof mac === "string" && /^[\da-f]{2}(:[\da-f]{2}){5,31}$/i.test(mac) && { mac: mac.toLowerCase() }),
    ...(isCount(mtu) && mtu > 0 && { mtu }),
    ...(typeof promisc === "boolean" && { promisc }),
    ...(typeof allmulti === "boolean" && { allmulti }),
    ...(isCount(txQLen) && { txQLen }),
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
}

function objectIn(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
