/** The requests that a supervisor answers, over HTTP on a Unix socket. Long answers are lines of JSON, each sent at once. */
import { code, Fault } from "../../conf/fault.ts";
import { faultOf } from "../../plugin/faults.ts";
import { targetsOf } from "../model/impair.ts";
import { pingAll } from "../tests/everyPair.ts";
import { runTests } from "../tests/run.ts";
import { checkWorld } from "../world/check.ts";
import type { World } from "../world/world.ts";
import type { ImpairRequest, Refusal } from "./answers.ts";
import { inspected, statusOf } from "./describe.ts";

/** Bun ends an answer that sends nothing for ten seconds; its types know this option for TCP alone. */
const withoutLimit: object = { idleTimeout: 0 };

export function serve(socket: string, world: World): void {
  Bun.serve({
    unix: socket,
    ...withoutLimit,
    routes: {
      "/inspect": () => Response.json(inspected(world)),
      "/status": () => Response.json(statusOf(world)),
      "/test": () => lines((onLine) => runTests(world, onLine)),
      "/ping": () => lines((onLine) => pingAll(world, onLine)),
      "/check": async () => Response.json(await checkWorld(world)),
      "/impair": { POST: async (request) => impair(world, (await request.json()) as ImpairRequest) },
      "/logs/:pod": ({ params, url }) => logs(world, params.pod, url.endsWith("?follow")),
    },
    fetch: () => new Response("no such request", { status: 404 }),
    error: (error) => Response.json(refusalOf(error), { status: 400 }),
  });
}

function impair({ lab, impairments }: World, { at, direction, values, clear }: ImpairRequest): Response {
  const targets = targetsOf(at, lab);
  if ("message" in targets) throw new Fault(code.config, targets.message, targets.suggestion);
  if (clear) impairments.clear(targets);
  else impairments.change(targets, direction, values);
  return Response.json({});
}

function refusalOf(error: unknown): Refusal {
  const [fault, by] = [faultOf(error), { byHand: true }];
  return { failed: fault.sentence(by), cure: fault.cure(by) };
}

function lines(work: (onLine: (line: object) => void) => Promise<void>): Response {
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    async start(controller) {
      const send = (line: object) => controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
      await work(send).catch((error) => send(refusalOf(error)));
      controller.close();
    },
  });
  return new Response(stream);
}

function logs({ commands }: World, pod: string, isFollowed: boolean): Response {
  const command = commands.all.get(pod);
  return command ? new Response(command.log.stream(isFollowed)) : new Response("no command", { status: 404 });
}
