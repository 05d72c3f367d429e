/** The requests that a supervisor answers, over HTTP on a Unix socket. Long answers are lines of JSON, each sent at once. */
import { deserialize, serialize } from "node:v8";
import { code, Fault } from "../../conf/fault.ts";
import type { Live } from "../graph/live.ts";
import { targetsOf } from "../model/impair.ts";
import { type Captured, capturedAt } from "../plan/captured.ts";
import { type Pair, pingAll, pingOne } from "../tests/everyPair.ts";
import { runTests, type TestResult } from "../tests/run.ts";
import { checkWorld } from "../world/check.ts";
import { hostLinkOf } from "../world/interfaces.ts";
import { linksNow } from "../world/linksNow.ts";
import type { World } from "../world/world.ts";
import type { ApplyRequest, ImpairRequest, Running } from "./answers.ts";
import { Changing, refusalOf } from "./changing.ts";
import { inspected, statusOf } from "./describe.ts";
import { LastResults } from "./lastResults.ts";

/** Bun ends an answer that sends nothing for ten seconds; its types know this option for TCP alone. */
const withoutLimit: object = { idleTimeout: 0 };

/** A lab is asked for what it is when no change is under way. */
export function serve(socket: string, world: World): void {
  const changing = new Changing(world);
  const last = new LastResults();
  const json = (answer: () => unknown) => changing.between(async () => Response.json(await answer()));
  Bun.serve({
    unix: socket,
    ...withoutLimit,
    routes: {
      "/inspect": () => json(() => inspected(world)),
      "/status": () => json(() => statusOf(world)),
      "/check": () => json(() => checkWorld(world)),
      "/live": () => json(() => liveOf(world, last)),
      "/test": () => lines((onLine) => changing.between(() => {}).then(() => test(world, last, onLine))),
      "/ping": () => lines((onLine) => changing.between(() => {}).then(() => ping(world, last, onLine))),
      "/ping/:from/:to": ({ params: { from, to } }) =>
        changing.between(() => {}).then(() => pingPair(world, last, from, to)),
      "/impair": {
        POST: async (request) => {
          const asked = (await request.json()) as ImpairRequest;
          return json(() => impair(world, asked));
        },
      },
      "/captured": {
        POST: async (request) => {
          const words = (await request.json()) as string[];
          return json(() => captured(world, words));
        },
      },
      "/logs/:pod": ({ params, url }) => logs(world, params.pod, url.endsWith("?follow")),
      "/lab": () => changing.between(() => new Response(serialize(running(world)))),
      "/restart/:pod": { POST: ({ params }) => lines((onLine) => changing.restart([params.pod], onLine)) },
      "/apply": { POST: (request) => apply(changing, request) },
      "/apply/keep": {
        POST: () => {
          changing.keep();
          return Response.json({});
        },
      },
      "/apply/interrupt": {
        POST: async (request) => {
          changing.interrupt(await request.text());
          return Response.json({});
        },
      },
    },
    fetch: () => new Response("no such request", { status: 404 }),
    error: (error) => Response.json(refusalOf(error), { status: 400 }),
  });
}

function running({ lab, pods, hosts }: World): Running {
  const names = [...(lab.underlay ? lab.hosts : []), ...lab.pods].map(({ name }) => name);
  const all = [...names, ...(lab.outside ? ["outside"] : [])];
  return { lab, dead: all.filter((name) => (pods.get(name) ?? hosts.get(name))?.isAlive !== true) };
}

/** Remembered if all ran: the lab may change meanwhile. */
async function test(world: World, last: LastResults, onLine: (line: TestResult) => void): Promise<void> {
  const { lab } = world;
  const results: TestResult[] = [];
  await runTests(world, (one) => {
    results.push(one);
    onLine(one);
  });
  last.keepTests(lab, results);
}

async function ping(world: World, last: LastResults, onLine: (line: Pair) => void): Promise<void> {
  const { lab } = world;
  const pairs: Pair[] = [];
  await pingAll(world, (one) => {
    pairs.push(one);
    onLine(one);
  });
  last.keepPairs(lab, pairs);
}

async function pingPair(world: World, last: LastResults, from: string, to: string): Promise<Response> {
  const { lab } = world;
  const pair = await pingOne(world, from, to);
  last.keepPairs(lab, [pair]);
  return Response.json(pair);
}

function liveOf(world: World, last: LastResults): Live {
  const { lab } = world;
  return {
    pods: statusOf(world),
    ...linksNow(world),
    tests: last.testsOf(lab),
    pings: last.pairsOf(lab),
  };
}

async function apply(changing: Changing, request: Request): Promise<Response> {
  const asked = deserialize(new Uint8Array(await request.arrayBuffer())) as ApplyRequest;
  return lines(
    (onLine) => changing.apply(asked, onLine),
    () => changing.interrupt("The command of this change ended"),
  );
}

function impair({ lab, impairments }: World, { at, direction, values, clear }: ImpairRequest): object {
  const targets = targetsOf(at, lab);
  if ("message" in targets) throw new Fault(code.config, targets.message, targets.suggestion);
  if (clear) impairments.clear(targets);
  else impairments.change(targets, direction, values);
  return {};
}

function captured({ lab, attached }: World, words: readonly string[]): Captured[] {
  const toOutside = attached.find(({ pod }) => pod === "outside");
  const found = capturedAt(words, lab, toOutside && hostLinkOf(toOutside.result));
  if ("message" in found) throw new Fault(code.config, found.message, found.suggestion);
  return found;
}

/** `onGone`: the client ended before the answer did. */
function lines(work: (onLine: (line: object) => void) => Promise<void>, onGone: () => void = () => {}): Response {
  const encoder = new TextEncoder();
  let isGone = false;
  const stream = new ReadableStream<Uint8Array>({
    async start(controller) {
      const send = (line: object) => {
        if (!isGone) controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
      };
      await work(send).catch((error) => send(refusalOf(error)));
      if (!isGone) controller.close();
    },
    cancel() {
      isGone = true;
      onGone();
    },
  });
  return new Response(stream);
}

function logs({ commands }: World, pod: string, isFollowed: boolean): Response {
  const command = commands.all.get(pod);
  return command ? new Response(command.log.stream(isFollowed)) : new Response("no command", { status: 404 });
}
