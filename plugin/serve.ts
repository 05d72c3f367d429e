/** One call by a container runtime: environment and standard input in, JSON on standard output and an exit code out. */
import { readSync, writeSync } from "node:fs";
import { configurationBytesMax } from "../conf/decode.ts";
import { type Environment, readVerb } from "../conf/env.ts";
import { code, Fault } from "../conf/fault.ts";
import { formatFault, formatResult } from "../conf/format.ts";
import { parseCollect, parseDelete, parseRequest, parseStatus } from "../conf/parse.ts";
import { isVersion, newestVersion, type Version, versions } from "../conf/version.ts";
import { exitNow } from "../netlink/sys.ts";
import { add } from "./add.ts";
import { faultOf } from "./failure.ts";
import { writeOut } from "./output.ts";
import { interruptions } from "./signals.ts";

/** As `serve`, then ends the process at once: closing the store properly would write and sync, and all is said. */
export async function serveAndExit(env: Environment): Promise<never> {
  return exitNow(await serve(env));
}

/** Does what CNI_COMMAND says. Answers the exit code; never throws. */
export async function serve(env: Environment): Promise<number> {
  let stdin: Uint8Array = new Uint8Array(0);
  try {
    const verb = readVerb(env);
    if (verb !== "VERSION") stdin = readStdin();
    const answer = await answers[verb](env, stdin);
    if (answer !== undefined) writeOut(`${JSON.stringify(answer)}\n`);
    return 0;
  } catch (error) {
    if (env["NSNET_DEBUG"]?.includes("stack")) writeSync(2, `${(error as Error).stack}\n`);
    writeOut(`${JSON.stringify(formatFault(faultOf(error), versionIn(stdin)))}\n`);
    return 1;
  }
}

type Answer = (env: Environment, stdin: Uint8Array) => object | undefined | Promise<object | undefined>;

/** What ADD does not need is loaded by the verb that does. */
const answers: { readonly [verb: string]: Answer } & Record<ReturnType<typeof readVerb>, Answer> = {
  async ADD(env, stdin) {
    const interruptedBy = interruptions();
    const request = parseRequest(env, stdin);
    return formatResult(await add(request, { interruptedBy }), request.config.cniVersion);
  },
  async DEL(env, stdin) {
    interruptions(); // DEL finishes whatever it is sent
    await (require("./del.ts") as typeof import("./del.ts")).del(parseDelete(env, stdin));
    return undefined;
  },
  async CHECK(env, stdin) {
    await (require("./check.ts") as typeof import("./check.ts")).check(parseRequest(env, stdin));
    return undefined;
  },
  async GC(env, stdin) {
    interruptions();
    await (require("./gc.ts") as typeof import("./gc.ts")).gc(parseCollect(env, stdin));
    return undefined;
  },
  async STATUS(env, stdin) {
    await (require("./status.ts") as typeof import("./status.ts")).status(parseStatus(env, stdin));
    return undefined;
  },
  // Standard input is not read: callers leave it open, and the answer does not depend on it.
  VERSION: () => ({ cniVersion: newestVersion, supportedVersions: versions }),
};

const stdinFd = 0;

/** All of standard input, a byte more than is allowed at the most: the decoder then refuses it by its length. */
function readStdin(): Uint8Array {
  let buffer = new Uint8Array(stdinBytesFirst);
  let length = 0;
  try {
    for (;;) {
      const count = readSync(stdinFd, buffer, length, buffer.length - length, null);
      length += count;
      if (count === 0 || length > configurationBytesMax) return buffer.subarray(0, length);
      if (length === buffer.length) buffer = grown(buffer, configurationBytesMax + 1);
    }
  } catch (error) {
    throw new Fault(
      code.io,
      `Cannot read standard input: ${(error as Error).message}`,
      "The runtime must write the network configuration there",
    );
  }
}

/** Room for an ordinary configuration; memory that is not touched costs nothing. */
const stdinBytesFirst = 16 * 1024;

function grown(buffer: Uint8Array, lengthMax: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(lengthMax, buffer.length * 4));
  larger.set(buffer);
  return larger;
}

/** The version to write an error in: the configuration's where it can be read. */
function versionIn(stdin: Uint8Array): Version {
  try {
    const { cniVersion } = JSON.parse(new TextDecoder().decode(stdin)) as { cniVersion?: unknown };
    return isVersion(cniVersion) ? cniVersion : newestVersion;
  } catch {
    return newestVersion;
  }
}
