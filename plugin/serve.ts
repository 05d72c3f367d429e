/** One call: what it asks for, and the JSON that answers it. */

import type { Call } from "../conf/call.ts";
import { readVerb } from "../conf/env.ts";
import { parseCollect, parseDelete, parseRequest, parseStatus } from "../conf/parse.ts";
import { ownType, type PluginType, typeCalled } from "../conf/pluginType.ts";
import type { DeleteRequest, Identity, Verb } from "../conf/request.ts";
import { formatFault, formatResult } from "../conf/result/format.ts";
import { isVersion, newestVersion, type Version, versions } from "../conf/version.ts";
import defer * as debug from "../netlink/debug.ts";
import type { Plan } from "../plan/plan.ts";
import { canBeChained, roleOf } from "../plan/types.ts";
import { WouldBlock } from "../sys/sharedProcess.ts";
import { add } from "./add.ts";
import type { Logged } from "./callLog.ts";
import defer * as callLog from "./callLog.ts";
import defer * as chained from "./chain/chained.ts";
import defer * as check from "./check.ts";
import defer * as del from "./del.ts";
import { faultOf } from "./faults.ts";
import defer * as gc from "./gc.ts";
import defer * as handedOver from "./handedOver.ts";
import defer * as ipamPlugin from "./ipamPlugin.ts";
import defer * as unnamed from "./removal/unnamed.ts";
import defer * as status from "./status.ts";

/** Gives the caller a line of JSON. Throws where the caller does not get it. */
type Write = (text: string) => void;

/** Does what CNI_COMMAND asks for, and answers by `write`. Returns the exit code; never throws. */
export async function serve(call: Call, write: Write): Promise<number> {
  let answer: object | undefined;
  let plan: Plan | undefined;
  const onPlan = (made: Plan) => {
    plan = made;
  };
  try {
    if (call.env["NSNET_DEBUG"]?.includes("netlink")) debug.traceMessages();
    answer = await verbs[readVerb(call.env)](call, onPlan);
    if (isLogged(call)) writeLog({ call, steps: plan?.steps, result: answer });
    if (answer) write(`${JSON.stringify(answer)}\n`);
    return 0;
  } catch (error) {
    if (error instanceof WouldBlock) return 1; // its caller has it done by another process
    if (answer && call.env["CNI_COMMAND"] === "ADD") await undoUnreported(call);
    return refuse(call, error, write, plan);
  }
}

/** Answers with the error. Returns the exit code; never throws. */
export function refuse(call: Call, error: unknown, write: Write, plan?: Plan): number {
  if (call.env["NSNET_DEBUG"]?.includes("stack")) call.stderr(`${(error as Error).stack}\n`);
  const fault = faultOf(error);
  if (isLogged(call)) writeLog({ call, steps: plan?.steps, fault });
  const text = `${JSON.stringify(formatFault(fault, versionIn(call.stdin)))}\n`;
  try {
    write(text);
  } catch {
    call.stderr(text); // a person may still see it there
  }
  return 1;
}

/** If the result cannot be written (standard output on a full disk, say), the runtime never learns of the attachment. */
async function undoUnreported(call: Call): Promise<void> {
  try {
    await serveDelete({ ...call, env: { ...call.env, CNI_COMMAND: "DEL" } });
  } catch (error) {
    call.stderr(`ns-net: ${(error as Error).message}\n`); // the answer is the first cause
  }
}

function isLogged({ env, stdin }: Call): boolean {
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

/** Sees the plan of an ADD before it is committed, for the log. */
type OnPlan = (made: Plan) => void;

/** Answers the JSON of a success; undefined if success has nothing to say. */
type Serve = (call: Call, onPlan: OnPlan) => object | undefined | Promise<object | undefined>;

/** Each verb loads the code that ADD does not need. */
const verbs: { readonly [V in Verb]: Serve } = {
  async ADD(call, onPlan) {
    const request = parseRequest(call.env, call.stdin, call.argv0);
    const earlier = call.isRepeated ? handedOver.answerOf(request, call) : undefined;
    if (earlier) return earlier;
    const { result } = await add(request, call, { onPlan });
    return formatResult(result, request.config.cniVersion);
  },
  DEL: serveDelete,
  async CHECK(call) {
    const request = parseRequest(call.env, call.stdin, call.argv0);
    const role = roleOf(request.config.type);
    if (role === "ipam") await ipamPlugin.checkAsIpam(request, call);
    else if (role === "chained") chained.checkChained(request, call);
    else await check.check(request, call);
    return undefined;
  },
  async GC(call) {
    const request = parseCollect(call.env, call.stdin, calledAs(call));
    if (isChained(request)) {
      chained.collectChained(request, call);
      return undefined;
    }
    const { type = ownType } = request;
    try {
      if (canBeChained(type)) chained.collectChained({ ...request, type }, call);
    } finally {
      await gc.gc(request, call);
    }
    return undefined;
  },
  async STATUS(call) {
    const request = parseStatus(call.env, call.stdin, call.argv0);
    if (roleOf(request.config.type) === "chained") return undefined; // it needs nothing but the kernel
    await status.status(request, call);
    return undefined;
  },
  VERSION: () => ({ cniVersion: newestVersion, supportedVersions: versions }),
};

async function serveDelete(call: Call): Promise<undefined> {
  let request: DeleteRequest;
  try {
    request = parseDelete(call.env, call.stdin, calledAs(call));
  } catch (error) {
    await unnamed.deleteUnnamed(error, call, calledAs(call), (stdin) => serveDelete({ ...call, stdin }));
    return undefined;
  }
  if (isChained(request)) chained.delChained(request, call);
  else await del.del(request, call); // an IPAM's caller has no link here, so DEL frees the lease alone
  return undefined;
}

const calledAs = ({ argv0 }: Call) => typeCalled(argv0);

function isChained<R extends Identity>(request: R): request is R & { readonly type: PluginType } {
  return roleOf(request.type ?? ownType) === "chained";
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
