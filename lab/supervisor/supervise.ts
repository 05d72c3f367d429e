/**
 * The supervisor of one lab: `ns-net lab supervise FOLDER NAME FILE` inside of the lab's namespaces. It brings the lab up, reports
 * on standard output, and then answers requests on a Unix socket until it is killed. Everything of the lab ends with it.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { labOf } from "../model/resolve.ts";
import { runTests } from "../tests/run.ts";
import { bringUp, type World } from "../world/world.ts";

/** Answers of the supervisor. Pids are those of the lab's PID namespace. */
export interface Inspected {
  readonly pods: readonly { readonly name: string; readonly pid: number }[];
}

const output = 1;

/**
 * `file` is how the person named it; its text is in the lab's folder. Inside, an ordinary user is root, so the folder is
 * given. Returns only after a failure, with an exit code.
 */
export async function supervise(folder: string, name: string, file: string): Promise<number> {
  try {
    const lab = labOf({ file, text: readFileSync(join(folder, "lab.yaml"), "utf8") });
    const world = await bringUp(
      { ...lab, name },
      {
        folder,
        nothing: openSync("/dev/null", "r"),
        openLog: (pod) => openSync(join(folder, "logs", pod), "a"),
      },
    );
    serve(join(folder, "control"), world);
    report(inspected(world));
    return await new Promise<never>(() => {});
  } catch (error) {
    report({ failed: (error as Error).message });
    return 1;
  }
}

/** Writes one line, and ends the output, on whose end `lab up` waits: /dev/null takes its place. */
function report(said: object): void {
  writeSync(output, `${JSON.stringify(said)}\n`);
  closeSync(output);
  openSync("/dev/null", "w"); // the lowest free descriptor
}

function serve(socket: string, world: World): void {
  Bun.serve({
    unix: socket,
    routes: {
      "/inspect": () => Response.json(inspected(world)),
      "/test": { POST: async () => Response.json(await runTests(world)) },
    },
    fetch: () => new Response("no such request", { status: 404 }),
  });
}

function inspected({ pods, outside }: World): Inspected {
  const all = [...pods.values(), ...(outside ? [outside] : [])];
  return { pods: [...all.map(({ name, pid }) => ({ name, pid })), { name: "host", pid: process.pid }] };
}
