/** Calls the plugin as a container runtime does, but in this process. */
import type { Call } from "../../conf/call.ts";
import { parseRequest } from "../../conf/parse.ts";
import type { Request } from "../../conf/request.ts";
import type { Result } from "../../conf/result/result.ts";
import { add } from "../../plugin/add.ts";
import { check } from "../../plugin/check.ts";
import type { Attaching } from "../plan/configuration.ts";

/** ADD of one interface. */
export async function attach(attaching: Attaching, netnsPath: string): Promise<Result> {
  const [request, call] = asked("ADD", attaching, attaching.configuration, netnsPath);
  return (await add(request, call)).result;
}

/** CHECK of one interface. Throws what CHECK reports. */
export async function checkAttached(attaching: Attaching, netnsPath: string, prevResult: Result): Promise<void> {
  const [request, call] = asked("CHECK", attaching, { ...attaching.configuration, prevResult }, netnsPath);
  await check(request, call);
}

function asked(command: string, { pod, ifname }: Attaching, configuration: object, netnsPath: string): [Request, Call] {
  const env = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: pod,
    CNI_NETNS: netnsPath,
    CNI_IFNAME: ifname,
    CNI_PATH: "/nowhere",
  };
  const stdin = new TextEncoder().encode(JSON.stringify(configuration));
  const call: Call = {
    env,
    stdin,
    argv0: "ns-net",
    id: `lab ${process.pid}`,
    interruption: { came: async () => undefined, passTo: () => ({ [Symbol.dispose]() {} }) },
    stderr: () => {},
  };
  return [parseRequest(env, stdin), call];
}
