/** Takes calls from launchers over a Unix socket, and answers them. */
import { chmodSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Call } from "../conf/call.ts";
import { parseRequest } from "../conf/parse.ts";
import { typeCalled } from "../conf/pluginType.ts";
import { forgetAnswer } from "../plugin/handedOver.ts";
import { serve } from "../plugin/serve.ts";
import { fileStatus } from "../sys/files.ts";
import { namespaceKind, namespaceTypeOf } from "../sys/libc.ts";
import { closeAll, receive, userOf } from "../sys/passedDescriptors.ts";
import { asCall, separateCalls } from "./calls.ts";
import { accepted, answerBytes, BadMessage, callBytesMax, callIn, confirmed, type HandedOver } from "./protocol.ts";

export const socketDefault = "/run/ns-net/agent.sock";

/** A launcher sends at once after it has connected. */
const sendMsMax = 20;

export type OnEvent = (event: { readonly what: string; readonly [key: string]: unknown }) => void;

interface Connection {
  /** Called once the caller has the answer. */
  confirm?: () => void;
}

export interface AgentServer extends Disposable {
  readonly path: string;
}

/** Listens for root alone. Throws the error of the socket. */
export function listen(path: string, version: string, onEvent: OnEvent): AgentServer {
  separateCalls();
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true });
  const umask = process.umask(0o177);
  const server = Bun.listen<Connection>({
    unix: path,
    socket: {
      open(socket) {
        socket.data = {};
        try {
          begin(socket, version, onEvent);
        } catch (error) {
          onEvent({ what: "declined", because: (error as Error).message });
          socket.end();
        }
      },
      data(socket, bytes) {
        if (bytes[0] === confirmed) socket.data.confirm?.();
      },
      error: (_, error) => onEvent({ what: "connection failed", because: error.message }),
    },
  });
  process.umask(umask);
  chmodSync(path, 0o600);
  return { path, [Symbol.dispose]: () => server.stop(true) };
}

type Socket = Bun.Socket<Connection> & { readonly fd: number };

/** Receives the call, and declines it by an exception. */
function begin(socket: Bun.Socket<Connection>, version: string, onEvent: OnEvent): void {
  const { fd } = socket as Socket;
  const user = userOf(fd);
  if (user !== process.geteuid!()) throw new BadMessage(`user ${user} may not call`);
  const { bytes, descriptors } = receive(fd, callBytesMax, sendMsMax);
  try {
    const handedOver = callIn(bytes);
    refuseStrange(handedOver, descriptors, version);
    const stdin = new Uint8Array(readFileSync(`/proc/self/fd/${descriptors[0]}`));
    socket.write(accepted);
    void answered(socket, handedOver, stdin, onEvent);
  } finally {
    closeAll(descriptors);
  }
}

function refuseStrange(
  { version, mountNamespace, pidNamespace, env }: HandedOver,
  [input, netns]: readonly number[],
  own: string,
): void {
  if (version !== own) throw new BadMessage(`its launcher is of version ${version}, this is ${own}`);
  for (const [kind, inode] of [
    ["mnt", mountNamespace],
    ["pid", pidNamespace],
  ] as const)
    if (fileStatus(`/proc/self/ns/${kind}`).inode !== inode) throw new BadMessage(`it is of another ${kind} namespace`);
  if (input === undefined) throw new BadMessage("it has no standard input");
  const path = env["CNI_NETNS"];
  if (netns === undefined) {
    if (path && env["CNI_COMMAND"] === "ADD") throw new BadMessage(`${path} cannot be opened`);
    return;
  }
  if (namespaceTypeOf(netns) !== namespaceKind.net) throw new BadMessage(`${path} is no network namespace`);
  const [passed, here] = [fileStatus(netns), fileStatus(path ?? "")];
  if (passed.inode !== here.inode || passed.device !== here.device)
    throw new BadMessage(`${path} is another namespace by now`);
}

async function answered(
  socket: Bun.Socket<Connection>,
  { id, argv0, env }: HandedOver,
  stdin: Uint8Array,
  onEvent: OnEvent,
): Promise<void> {
  let [out, err] = ["", ""];
  const call: Call = {
    ...{ env, stdin, argv0, id, isHandedOver: true },
    interruption: { came: async () => undefined, passTo: () => ({ [Symbol.dispose]() {} }) },
    stderr(text) {
      err += typeof text === "string" ? text : new TextDecoder().decode(text);
    },
  };
  const startMs = performance.now();
  const exitCode = await asCall(id, () =>
    serve(call, (text) => {
      out += text;
    }),
  );
  const verb = env["CNI_COMMAND"];
  if (verb === "ADD" && exitCode === 0) socket.data.confirm = () => forget(call);
  socket.write(answerBytes({ exitCode, out, err }));
  onEvent({
    what: "call",
    verb,
    type: typeCalled(argv0),
    exitCode,
    ms: Number((performance.now() - startMs).toFixed(2)),
  });
}

/** The caller has its answer, so nothing need be kept. */
function forget({ env, stdin, argv0, id }: Call): void {
  try {
    forgetAnswer(parseRequest(env, stdin, argv0).config.dataDir, id);
  } catch {
    // The entry may be gone already, and its answer with it.
  }
}
