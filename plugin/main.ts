/**
 * Runs the call of this process: reads CNI's environment and standard input, writes JSON to standard output, and exits.
 */

import { configurationBytesMax } from "../conf/decode.ts";
import { type Environment, readVerb } from "../conf/env.ts";
import { code, Fault } from "../conf/fault.ts";
import { exitNow, readFile } from "../sys/libc.ts";
import { processCall } from "./processCall.ts";
import { refuse, serve } from "./serve.ts";
import { writeAnswer } from "./stdio.ts";

/** Serves the call, then ends the process at once: closing the store properly would write and sync, and all is said. */
export async function serveAndExit(env: Environment): Promise<never> {
  return exitNow(await serveProcess(env));
}

/** Answers the exit code; never throws. */
async function serveProcess(env: Environment): Promise<number> {
  const call = processCall(env);
  let stdin: Uint8Array;
  try {
    stdin = readStdin(env);
  } catch (error) {
    return refuse(call, error, writeAnswer);
  }
  return serve({ ...call, stdin }, writeAnswer);
}

const stdinFd = 0;

/**
 * Reads standard input, at most one byte more than allowed: the decoder then refuses it by its length. DEL reads
 * everything, because it must succeed. VERSION reads nothing, because callers leave standard input open.
 */
function readStdin(env: Environment): Uint8Array {
  const verb = readVerb(env);
  if (verb === "VERSION") return new Uint8Array(0);
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

/** Room for an ordinary configuration. Memory that is not touched costs nothing. */
const stdinBytesFirst = 16 * 1024;

function grown(buffer: Uint8Array, lengthMax: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(lengthMax, buffer.length * 4));
  larger.set(buffer);
  return larger;
}
