/**
 * The supervisor of one lab: `ns-net lab supervise NAME` inside of the lab's namespaces. It brings the lab up, reports on
 * standard output, and then answers requests on a Unix socket until it is killed. Everything of the lab ends with it.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { faultOf } from "../../plugin/faults.ts";
import { labOf } from "../model/resolve.ts";
import { bringUp, type World } from "../world/world.ts";
import type { Report } from "./answers.ts";
import { inspected } from "./describe.ts";
import { serve } from "./requests.ts";

const [input, output] = [0, 1];

/**
 * NSNET_LAB_FOLDER is the lab's folder, for inside an ordinary user is root; NSNET_LAB_FILE is how the person named the
 * file, whose text is in the folder. Returns only after a failure, with an exit code.
 */
export async function supervise(name: string): Promise<number> {
  const { NSNET_LAB_FOLDER: folder = "", NSNET_LAB_FILE: file = "" } = process.env;
  void endWithoutGo();
  let world: World;
  try {
    const lab = labOf({ file, text: readFileSync(join(folder, "lab.yaml"), "utf8") });
    world = await bringUp({ ...lab, name }, folder, (done, total, now) => report({ done, total, now }));
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

/** `lab up` writes a word when it has kept what `lab down` needs. If it ends before, nobody knows this lab. */
async function endWithoutGo(): Promise<void> {
  let isGo = false;
  for await (const _ of Bun.file(input).stream()) isGo = true;
  if (!isGo) process.exit(1);
}
