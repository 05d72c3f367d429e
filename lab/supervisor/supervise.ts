/**
 * The supervisor of one lab: `ns-net lab supervise NAME` inside of the lab's namespaces. It brings the lab up, reports on
 * standard output, and then answers requests on a Unix socket until it is killed. Everything of the lab ends with it.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { deserialize } from "node:v8";
import { code, Fault } from "../../conf/fault.ts";
import { faultOf } from "../../plugin/faults.ts";
import type { Lab } from "../model/lab.ts";
import { bringUp } from "../world/bringUp.ts";
import type { World } from "../world/world.ts";
import type { Report } from "./answers.ts";
import { inspected } from "./describe.ts";
import { serve } from "./requests.ts";

const [input, output] = [0, 1];

/**
 * NSNET_LAB is the lab's folder, which has the lab as `lab up` read it from the file: inside, an ordinary user is root, and
 * would look elsewhere. Returns only after a failure, with an exit code.
 */
export async function supervise(): Promise<number> {
  const folder = process.env["NSNET_LAB"];
  if (folder === undefined) throw new Fault(code.environment, "ns-net starts lab supervise by itself", "ns-net lab up");
  // A mistake of ours must not end the lab.
  for (const event of ["uncaughtException", "unhandledRejection"] as const)
    process.on(event, (error) => console.error(error));
  void endWithoutGo();
  let world: World;
  try {
    const lab = deserialize(readFileSync(join(folder, "lab"))) as Lab;
    world = await bringUp(lab, folder, (done, total, now) => report({ done, total, now }));
    serve(join(folder, "control"), world);
  } catch (error) {
    const fault = faultOf(error);
    report({ failed: fault.sentence({ byHand: true }), cure: fault.cure({ byHand: true }) });
    return 1;
  }
  report({ up: inspected(world) });
  closeSync(output);
  openSync("/dev/null", "w"); // it takes the lowest free descriptor, that of the output
  return new Promise<never>(() => {});
}

function report(line: Report): void {
  writeSync(output, `${JSON.stringify(line)}\n`);
}

/** `lab up` writes a word when it has kept what `lab down` needs. If it ends before, no command finds this lab. */
async function endWithoutGo(): Promise<void> {
  let isGo = false;
  for await (const _ of Bun.file(input).stream()) isGo = true;
  if (!isGo) process.exit(1);
}
