/** The requests that a supervisor answers, over HTTP on a Unix socket. Long answers are lines of JSON, each sent at once. */
import { faultOf } from "../../plugin/faults.ts";
import { targetsOf } from "../model/impair.ts";
import { pingAll } from "../tests/everyPair.ts";
import { runTests } from "../tests/run.ts";
import { checkWorld } from "../world/check.ts";
import type { World } from "../world/world.ts";
import type { ImpairRequest } from "./answers.ts";
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
  });
}

/** 400 with a sentence and a cure for what cannot be done. */
function impair({ lab, impairments }: World, { at, direction, values, clear }: ImpairRequest): Response {
  const targets = targetsOf(at, lab);
  if ("message" in targets)
    return Response.json({ sentence: targets.message, cure: targets.suggestion }, { status: 400 });
  try {
    if (clear) impairments.clear(targets);
    else impairments.change(targets, direction, values);
    return Response.json({});
  } catch (error) {
    const fault = faultOf(error);
    const by = { byHand: true };
    return Response.json({ sentence: fault.sentence(by), cure: fault.cure(by) }, { status: 400 });
  }
}

function lines(work: (onLine: (line: object) => void) => Promise<void>): Response {
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    async start(controller) {
      await work((line) => controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`)));
      controller.close();
    },
  });
  return new Response(stream);
}

function logs({ commands }: World, pod: string, isFollowed: boolean): Response {
  const command = commands.all.get(pod);
  return command ? new Response(command.log.stream(isFollowed)) : new Response("no command", { status: 404 });
}
