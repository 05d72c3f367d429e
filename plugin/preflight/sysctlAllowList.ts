/**
 * The administrator's list of kernel settings that a network may change: one pattern a line. Without the file there is
 * no limit.
 */

import defer * as fs from "node:fs";
import type { ChainKeys } from "../../conf/config/config.ts";
import { code, Fault } from "../../conf/fault.ts";
import { sysctlName } from "../../plan/chained/tuning.ts";
import { statusIfThere } from "../../sys/files.ts";
import defer * as goRegExp from "./goRegExp.ts";

/** The reference's path, so that a host has one list. */
const path = "/etc/cni/tuning/allowlist.conf";

/** Throws Fault (code.config) naming the first setting that no pattern allows. */
export function refuseForbidden({ sysctl }: ChainKeys): void {
  if (Object.keys(sysctl).length === 0) return;
  const patterns = patternsOf(path);
  if (patterns === undefined) return;
  const names = Object.keys(sysctl).map(sysctlName);
  const forbidden = names.find((name) => !patterns.some((pattern) => pattern.test(name)));
  if (forbidden === undefined) return;
  throw new Fault(
    code.config,
    `Cannot set sysctl ${forbidden}: ${path} does not allow it`,
    "Leave it out, or have the administrator of this host add a pattern for it",
  );
}

function patternsOf(file: string): RegExp[] | undefined {
  let text: string;
  try {
    if (statusIfThere(file) === undefined) return undefined;
    // Most hosts have no such file, and a reader for any size takes time to load.
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    throw new Fault(code.io, `Cannot read ${file}: ${(error as Error).message}`, "Make it readable, or remove it");
  }
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      try {
        return goRegExp.goRegExp(line);
      } catch (error) {
        const what = `Cannot use ${file}: ${line} is no regular expression that ns-net can read`;
        throw new Fault(code.config, what, `Correct that line: ${(error as Error).message}`);
      }
    });
}
