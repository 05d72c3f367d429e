/** Calls the plugin as a container runtime does, but in this process. */
import type { Call } from "../../conf/call.ts";
import { parseCollect, parseRequest } from "../../conf/parse.ts";
import type { Result } from "../../conf/result/result.ts";
import { add } from "../../plugin/add.ts";
import { check } from "../../plugin/check.ts";
import { gc } from "../../plugin/gc.ts";
import type { Netns } from "../../sys/netns.ts";
import type { Attaching } from "../plan/configuration.ts";

/** An interface of a pod or outside, with the plugin's answer. */
export interface Attached extends Attaching {
  readonly netnsPath: string;
  /** The namespace of its host. */
  readonly hostNetns: Netns;
  readonly result: Result;
}

/** ADD of one interface. */
export async function attach(attaching: Attaching, netnsPath: string, hostNetns: Netns): Promise<Attached> {
  const { env, stdin, call } = asked("ADD", attaching, attaching.configuration, netnsPath, hostNetns);
  return { ...attaching, netnsPath, hostNetns, result: (await add(parseRequest(env, stdin), call)).result };
}

/** CHECK of one interface. Throws what CHECK reports. */
export async function checkAttached({ netnsPath, hostNetns, result, ...attaching }: Attached): Promise<void> {
  const configuration = { ...attaching.configuration, prevResult: result };
  const { env, stdin, call } = asked("CHECK", attaching, configuration, netnsPath, hostNetns);
  await check(parseRequest(env, stdin), call);
}

/**
 * GC of the network of `attaching` on its host: detaches all but `staying`, and removes the bridge with the last one. DEL would wait for
 * the kernel once for each interface, GC waits once for all.
 */
export async function detachAllBut(staying: readonly Attaching[], attaching: Attached): Promise<void> {
  const valid = staying.map(({ pod, ifname }) => ({ containerID: pod, ifname }));
  const configuration = { ...attaching.configuration, "cni.dev/valid-attachments": valid };
  const { env, stdin, call } = asked("GC", attaching, configuration, "", attaching.hostNetns);
  await gc(parseCollect(env, stdin), call);
}

function asked(
  command: string,
  { pod, ifname }: Attaching,
  configuration: object,
  netnsPath: string,
  namespace: Netns,
) {
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
    namespace,
    id: `lab ${process.pid}`,
    interruption: { came: async () => undefined, passTo: () => ({ [Symbol.dispose]() {} }) },
    stderr: () => {},
  };
  return { env, stdin, call };
}
