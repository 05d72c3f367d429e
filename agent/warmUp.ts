/**
 * Attaches a namespace of its own to another one, a few times, before the first launcher comes. The engine has loaded and
 * compiled the code by then: the first ADD after a start took 30 ms, and launchers that came together gave up waiting.
 */
import { mkdirSync, rmSync } from "node:fs";
import type { Call } from "../conf/call.ts";
import { anonymousNetns } from "../kernel/newNamespace.ts";
import { serve } from "../plugin/serve.ts";
import { closeNetns } from "../sys/netns.ts";

const rounds = 12;

/**
 * Ends with the namespaces, so nothing of it is left. `dataDir` is on a local file system, and no other process uses it: one
 * that an agent left which died here is removed first. Throws what goes wrong.
 */
export async function warmUp(dataDir: string): Promise<void> {
  rmSync(dataDir, { recursive: true, force: true });
  using undo = new DisposableStack();
  mkdirSync(dataDir, { mode: 0o700 });
  undo.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  const host = undo.adopt(anonymousNetns(), closeNetns);
  const pod = undo.adopt(anonymousNetns(), closeNetns);
  const config = {
    cniVersion: "1.1.0",
    name: "warm-up",
    type: "ns-net",
    bridge: "warm0",
    isDefaultGateway: true,
    ipMasq: true,
    dataDir,
    ipam: { type: "ns-net", ranges: [[{ subnet: "10.0.0.0/24" }], [{ subnet: "fd00::/64" }]] },
  };
  const call = async (verb: string, ifname: string, hostPort: number) => {
    let said = "";
    const runtimeConfig = { portMappings: [{ hostPort, containerPort: 80, protocol: "tcp" }] };
    const one: Call = {
      env: {
        CNI_COMMAND: verb,
        CNI_CONTAINERID: "warm-up",
        CNI_NETNS: `/proc/self/fd/${pod.fd}`,
        CNI_IFNAME: ifname,
        CNI_PATH: "",
      },
      stdin: new TextEncoder().encode(JSON.stringify({ ...config, runtimeConfig })),
      argv0: "ns-net",
      namespace: host,
      id: "warm-up",
      interruption: { came: async () => undefined, passTo: () => ({ [Symbol.dispose]() {} }) },
      stderr: () => {},
    };
    const exitCode = await serve(one, (text) => {
      said += text;
    });
    if (exitCode !== 0) throw new Error(`${verb} of the first, trial attachment failed: ${said.trim()}`);
  };
  for (let i = 0; i < rounds; i++) await call("ADD", `eth${i}`, 40_000 + i);
  await call("DEL", "eth0", 40_000);
}
