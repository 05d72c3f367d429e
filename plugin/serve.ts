/** One call by a container runtime: environment and standard input in, JSON on standard output and an exit code out. */

import { configurationBytesMax } from "../conf/decode.ts";
import { type Environment, readVerb } from "../conf/env.ts";
import { code, Fault } from "../conf/fault.ts";
import { parseCollect, parseDelete, parseRequest, parseStatus } from "../conf/parse.ts";
import { ownType, type PluginType, typeCalled } from "../conf/pluginType.ts";
import type { DeleteRequest, Identity, Request, Verb } from "../conf/request.ts";
import { formatFault, formatResult } from "../conf/result/format.ts";
import type { Result } from "../conf/result/result.ts";
import { isVersion, newestVersion, type Version, versions } from "../conf/version.ts";
import defer * as debug from "../netlink/debug.ts";
import type { Plan } from "../plan/plan.ts";
import { canBeChained, isChainedCall, roleOf } from "../plan/types.ts";
import type { Step } from "../step/index.ts";
import { exitNow, readFile } from "../sys/libc.ts";
import { type AddOptions, add } from "./add.ts";
import type { Logged } from "./callLog.ts";
import defer * as callLog from "./callLog.ts";
import defer * as chained from "./chain/chained.ts";
import defer * as check from "./check.ts";
import defer * as del from "./del.ts";
import { faultOf } from "./faults.ts";
import defer * as gc from "./gc.ts";
import defer * as ipamPlugin from "./ipamPlugin.ts";
import defer * as unnamed from "./removal/unnamed.ts";
import { interruptions } from "./signals.ts";
import defer * as status from "./status.ts";
import { writeAnswer } from "./stdio.ts";

/** As `serve`, then ends the process at once: closing the store properly would write and sync, and all is said. */
export async function serveAndExit(env: Environment): Promise<never> {
  return exitNow(await serve(env));
}

/** Does what CNI_COMMAND says. Answers the exit code; never throws. */
export async function serve(env: Environment): Promise<number> {
  let stdin: Uint8Array = new Uint8Array(0);
  let answer: object | undefined;
  try {
    if (env["NSNET_DEBUG"]?.includes("netlink")) debug.traceMessages();
    const verb = readVerb(env);
    if (verb !== "VERSION") stdin = readStdin(verb);
    answer = await answers[verb](env, stdin);
    if (isLogged(env, stdin)) writeLog({ env, stdin, steps: committed, result: answer });
    if (answer !== undefined) writeAnswer(`${JSON.stringify(answer)}\n`);
    return 0;
  } catch (error) {
    if (env["NSNET_DEBUG"]?.includes("stack")) process.stderr.write(`${(error as Error).stack}\n`);
    if (answer !== undefined && env["CNI_COMMAND"] === "ADD") await undoUntold(env, stdin);
    const fault = faultOf(error);
    if (isLogged(env, stdin)) writeLog({ env, stdin, steps: committed, fault });
    tell(`${JSON.stringify(formatFault(fault, versionIn(stdin)))}\n`);
    return 1;
  }
}

/** What was made and could not be told (standard output on a full disk, say) is nothing that a runtime counts on. */
async function undoUntold(env: Environment, stdin: Uint8Array): Promise<void> {
  try {
    await answers.DEL({ ...env, CNI_COMMAND: "DEL" }, stdin);
  } catch (error) {
    process.stderr.write(`ns-net: ${(error as Error).message}\n`); // the first cause is the one to answer
  }
}

/** Where standard output takes nothing, a person may still see it. */
function tell(text: string): void {
  try {
    writeAnswer(text);
  } catch {
    process.stderr.write(text);
  }
}

/** The steps of this call's ADD, for the log. */
let committed: readonly Step[] | undefined;
const onPlan = ({ steps }: Plan) => {
  committed = steps;
};

function isLogged(env: Environment, stdin: Uint8Array): boolean {
  return env["NSNET_LOG"] !== undefined || mentionsLog(stdin);
}

/** Whether a key or text `"log"` is in there; a quotation mark is looked for byte by byte by the engine, not by us. */
function mentionsLog(stdin: Uint8Array): boolean {
  for (let at = stdin.indexOf(quote); at >= 0; at = stdin.indexOf(quote, at + 1)) {
    const isLog = stdin[at + 1] === 0x6c && stdin[at + 2] === 0x6f && stdin[at + 3] === 0x67;
    if (isLog && stdin[at + 4] === quote) return true;
  }
  return false;
}

const quote = 0x22;

function writeLog(logged: Logged): void {
  callLog.log(logged);
}

type Answer = (env: Environment, stdin: Uint8Array) => object | undefined | Promise<object | undefined>;

/** What ADD does not need is loaded by the verb that does. */
const answers: { readonly [verb: string]: Answer } & Record<ReturnType<typeof readVerb>, Answer> = {
  async ADD(env, stdin) {
    const interruptedBy = interruptions();
    const request = parseRequest(env, stdin, process.argv0);
    const { type, cniVersion } = request.config;
    const made =
      roleOf(type) === "link" && !isChainedCall(request.config)
        ? add(request, { interruptedBy, onPlan })
        : addWithoutLink(request, { interruptedBy });
    return formatResult(await made, cniVersion);
  },
  async DEL(env, stdin) {
    interruptions(); // DEL finishes whatever it is sent
    let request: DeleteRequest;
    try {
      request = parseDelete(env, stdin, calledAs());
    } catch (error) {
      await unnamed.deleteUnnamed(error, env, stdin, calledAs(), (named) => answers.DEL(env, named));
      return undefined;
    }
    if (isChained(request)) chained.delChained(request);
    else await del.del(request); // of an IPAM, too: it is that of a link which is not there
    return undefined;
  },
  async CHECK(env, stdin) {
    const request = parseRequest(env, stdin, process.argv0);
    const role = roleOf(request.config.type);
    if (role === "ipam") await ipamPlugin.checkAsIpam(request);
    else if (role === "chained") chained.checkChained(request);
    else await check.check(request);
    return undefined;
  },
  async GC(env, stdin) {
    interruptions();
    const request = parseCollect(env, stdin, calledAs());
    if (isChained(request)) {
      chained.collectChained(request);
      return undefined;
    }
    const { type = ownType } = request;
    try {
      if (canBeChained(type)) chained.collectChained({ ...request, type });
    } finally {
      await gc.gc(request);
    }
    return undefined;
  },
  async STATUS(env, stdin) {
    const request = parseStatus(env, stdin, process.argv0);
    if (roleOf(request.config.type) === "chained") return undefined; // it needs nothing but the kernel
    await status.status(request);
    return undefined;
  },
  // Standard input is not read: callers leave it open, and the answer does not depend on it.
  VERSION: () => ({ cniVersion: newestVersion, supportedVersions: versions }),
};

/** Of an IPAM called by its name, or of a chained plugin. */
function addWithoutLink(request: Request, options: { interruptedBy: AddOptions["interruptedBy"] }): Promise<Result> {
  if (roleOf(request.config.type) === "ipam") return ipamPlugin.addAsIpam(request);
  return chained.addChained(request, options);
}

const calledAs = () => typeCalled(process.argv0);

function isChained<R extends Identity>(request: R): request is R & { readonly type: PluginType } {
  return roleOf(request.type ?? ownType) === "chained";
}

const stdinFd = 0;

/**
 * All of standard input, a byte more than is allowed at the most: the decoder then refuses it by its length. DEL reads
 * more, for it must succeed, and what a runtime cannot write to its end is an error to that.
 */
function readStdin(verb: Verb): Uint8Array {
  const bytesMax = verb === "DEL" ? deleteBytesMax : configurationBytesMax;
  let buffer = new Uint8Array(stdinBytesFirst);
  let length = 0;
  try {
    for (;;) {
      const count = readFile(stdinFd, buffer.subarray(length));
      length += count;
      if (count === 0 || length > bytesMax) return buffer.subarray(0, length);
      if (length === buffer.length) buffer = grown(buffer, bytesMax + 1);
    }
  } catch (error) {
    if (verb === "DEL") return buffer.subarray(0, length);
    throw new Fault(
      code.io,
      `Cannot read standard input: ${(error as Error).message}`,
      "The runtime must write the network configuration there",
    );
  }
}

const deleteBytesMax = 256 * 1024 * 1024;

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
