/**
 * Calls a verb in this process, with what NSNET_DEBUG=netlink prints as its standard error. The oracle makes six hundred
 * calls, and a process of its own takes 50 ms for each. Other tests have main.ts and standard input.
 */
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { traceWith } from "../../netlink/socket.ts";
import { serve } from "../../plugin/serve.ts";
import { bind } from "../../sys/libc.ts";
import { closeNetns, openNetns } from "../../sys/netns.ts";
import { callOf } from "../support/call.ts";
import { type Answer, type Call, environmentOf } from "../support/plugin.ts";
import type { Netns } from "../support/sandbox.ts";

const c = bind({ dup: { args: ["i32"], returns: "i32" }, dup2: { args: ["i32", "i32"], returns: "i32" } });

const stderrFd = 2;
const file = "/run/ns-net-oracle-stderr";

export async function callHere(call: Call & { readonly host: Netns; readonly plugin: string }): Promise<Answer> {
  const namespace = openNetns(call.host.path);
  const printed = openSync(file, "w");
  const own = c.dup(stderrFd);
  let stdout = "";
  let code: number;
  c.dup2(printed, stderrFd);
  try {
    code = await serve(
      callOf({
        namespace,
        argv0: call.plugin,
        env: environmentOf(call),
        stdin: new TextEncoder().encode(JSON.stringify(call.config)),
      }),
      (text) => {
        stdout += text;
      },
    );
  } finally {
    c.dup2(own, stderrFd);
    for (const fd of [own, printed]) closeSync(fd);
    traceWith(() => {});
    closeNetns(namespace);
  }
  const stderr = readFileSync(file, "utf8");
  rmSync(file);
  return { code, stdout, stderr, json: stdout.trim() === "" ? undefined : JSON.parse(stdout) };
}
