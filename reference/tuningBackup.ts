/**
 * What the reference's tuning notes of an interface before it changes it (plugins/meta/tuning/tuning.go, createBackup):
 * `<dataDir>/<container>_<ifname>.json`, of mac, mtu, promisc, allmulti and txQLen what it is about to change.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Tunables } from "../conf/config/config.ts";
import { isObject, type JsonObject } from "../conf/decode.ts";
import { absolutePath } from "../conf/nameRules.ts";
import type { DeleteRequest } from "../conf/request.ts";

/** The reference's own default for `dataDir`; what a configuration says today need not be what it said at ADD. */
const defaultFolder = "/run/cni/tuning";

/** The note of an interface, and the file it is in; undefined where there is none. */
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

/** A number that Go did not set is 0. */
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
