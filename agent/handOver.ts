/** One connection: a launcher hands a call over, and gets its answer. */
import type { Call, DeleteLinks, Interruption } from "../conf/call.ts";
import { typeCalled } from "../conf/pluginType.ts";
import { serve } from "../plugin/serve.ts";
import { readDescriptor } from "../sys/files.ts";
import { closeAll, hasHungUp } from "../sys/passedDescriptors.ts";
import { forgetLater, giveUpCall } from "./answers.ts";
import { asCall, type Running } from "./calls.ts";
import type { OnEvent } from "./event.ts";
import { type Answer, accepted, answerBytes, callIn, Declined, type HandedOver, handedBack, word } from "./protocol.ts";
import { received } from "./receive.ts";
import { runningOf } from "./strange.ts";
import { ownTurn } from "./turns.ts";

/** The agent, as each of its connections needs it. */
export interface Host {
  readonly version: string;
  readonly deleteLinks: DeleteLinks;
  readonly onEvent: OnEvent;
}

/** The part of a Bun socket that is needed here. */
export interface Line {
  readonly fd: number;
  write(bytes: Uint8Array): number;
  end(): void;
  resume(): void;
}

/** A longer configuration is left to the executable. */
const stdinBytesMax = 1024 * 1024;

/** How long a call is begun again that found the store locked. */
const beginAgainMsMax = 10_000;
const beginAgainPauseMs = 10;

const endOfLauncher = "the end of its launcher";

/** A connection while it lasts. `onBytes` and `onClose` are for the owner of the socket. */
export class Connection {
  readonly #line: Line;
  readonly #host: Host;
  readonly #onGo = Promise.withResolvers<boolean>();
  #ended: string | undefined;
  readonly #handlers = new Set<(signal: NodeJS.Signals) => void>();
  #confirm: (() => void) | undefined;

  constructor(line: Line, host: Host) {
    this.#line = line;
    this.#host = host;
  }

  onBytes(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === word.go) this.#onGo.resolve(true);
      else if (byte === word.end) this.#endCall("SIGTERM");
      else if (byte === word.confirmed) this.#confirm?.();
    }
  }

  onClose(): void {
    this.#onGo.resolve(false);
    this.#endCall(endOfLauncher);
  }

  /** True if the launcher has ended. The event loop may learn of it later. */
  #isAlone(): boolean {
    return this.#ended === endOfLauncher || hasHungUp(this.#line.fd);
  }

  #endCall(cause: string): void {
    this.#ended ??= cause;
    for (const handle of this.#handlers) handle("SIGTERM");
  }

  /** Never throws. */
  async serve(): Promise<void> {
    const { onEvent } = this.#host;
    const opened: number[] = [];
    try {
      const handedOver = callIn(await received(this.#line.fd, opened));
      const running = runningOf(handedOver, opened, this.#host.version);
      const stdin = readDescriptor(opened[0]!, stdinBytesMax);
      this.#line.resume();
      if (this.#line.write(accepted) !== accepted.length || !(await this.#onGo.promise))
        throw new Declined("late", "its launcher did not wait for the acceptance");
      await ownTurn();
      // The runtime killed it, perhaps, and a DEL of the same attachment came meanwhile by another way.
      if (this.#isAlone()) throw new Declined("late", "its launcher has ended");
      await this.#answer(handedOver, running, stdin);
    } catch (error) {
      const reason = error instanceof Declined ? error.reason : "error";
      onEvent({ what: "declined", reason, because: (error as Error).message });
    } finally {
      closeAll(opened);
      this.#line.end();
    }
  }

  async #answer(handedOver: HandedOver, running: Running, stdin: Uint8Array): Promise<void> {
    const startMs = performance.now();
    const { answer, call } = await this.#run(handedOver, running, stdin);
    const { env, argv0 } = handedOver;
    const told = {
      verb: env["CNI_COMMAND"] ?? "",
      type: typeCalled(argv0),
      container: env["CNI_CONTAINERID"] ?? "",
      ifname: env["CNI_IFNAME"] ?? "",
    };
    const ms = Number((performance.now() - startMs).toFixed(2));
    if (running.blockedBy !== undefined) {
      giveUpCall(handedOver.id);
      this.#host.onEvent({ what: "handed back", ...told, because: `the agent does not ${running.blockedBy}`, ms });
      this.#line.write(answerBytes({ exitCode: handedBack, out: "", err: answer.err }));
      return;
    }
    const isKept = env["CNI_COMMAND"] === "ADD" && answer.exitCode === 0;
    if (isKept) this.#confirm = () => forgetLater(call);
    const sent = this.#send(answerBytes(answer)); // the caller does not wait for the log
    this.#host.onEvent({ what: "call", ...told, exitCode: answer.exitCode, ms, ...faultIn(answer) });
    await sent;
  }

  /** Begins again as long as another process holds the store. */
  async #run(
    handedOver: HandedOver,
    running: Running,
    stdin: Uint8Array,
  ): Promise<{ readonly answer: Answer; readonly call: Call }> {
    const deadlineMs = performance.now() + beginAgainMsMax;
    for (let isRepeated = false; ; isRepeated = true) {
      Object.assign(running, { blockedBy: undefined, mayBeginAgain: undefined });
      let [out, err] = ["", ""];
      const call: Call = {
        ...{ env: handedOver.env, stdin, argv0: handedOver.argv0, id: handedOver.id },
        isHandedOver: true,
        isRepeated,
        interruption: this.#interruption(),
        deleteLinks: this.#host.deleteLinks,
        stderr(text) {
          err += typeof text === "string" ? text : new TextDecoder().decode(text);
        },
      };
      const write = (text: string) => {
        out += text;
      };
      const exitCode = await asCall(running, () => serve(call, write));
      const mayTryAgain = running.blockedBy !== undefined && running.mayBeginAgain && performance.now() < deadlineMs;
      if (!mayTryAgain) return { answer: { exitCode, out, err }, call };
      await Bun.sleep(beginAgainPauseMs);
    }
  }

  #interruption(): Interruption {
    return {
      came: async () => {
        await Bun.sleep(0); // what the launcher sent waits in the event loop
        if (this.#isAlone()) this.#ended ??= endOfLauncher;
        return this.#ended;
      },
      passTo: (handle) => {
        this.#handlers.add(handle);
        return { [Symbol.dispose]: () => void this.#handlers.delete(handle) };
      },
    };
  }

  /** Waits for the launcher's confirmation or its end: until then the socket must stay open. */
  async #send(bytes: Uint8Array): Promise<void> {
    const confirmed = Promise.withResolvers<void>();
    const forgetIt = this.#confirm;
    this.#confirm = () => {
      forgetIt?.();
      confirmed.resolve();
    };
    this.#handlers.add(() => confirmed.resolve());
    if (this.#ended === endOfLauncher) return;
    for (let rest = bytes; rest.length > 0; ) {
      const count = this.#line.write(rest);
      if (count < 0) return;
      rest = rest.subarray(count);
      if (rest.length > 0) await Bun.sleep(1);
    }
    await confirmed.promise;
  }
}

/** The code and the message of an answer that is CNI's error. */
function faultIn({ exitCode, out }: Answer): { readonly code?: number; readonly error?: string } {
  if (exitCode === 0) return {};
  try {
    const { code, msg } = JSON.parse(out) as { code?: number; msg?: string };
    return { ...(code !== undefined && { code }), ...(msg !== undefined && { error: msg }) };
  } catch {
    return {};
  }
}
