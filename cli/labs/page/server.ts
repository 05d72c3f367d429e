/** The server of a lab's live page, on loopback. */

import { diagramOf } from "../../../lab/graph/diagramOf.ts";
import { livePage } from "../../../lab/graph/page/livePage.ts";
import { live, pingAll, pingPair, running, test } from "../../../lab/supervisor/client.ts";
import type { LabState } from "../../../lab/supervisor/state.ts";
import { faultOf } from "../../../plugin/faults.ts";
import { isAsExpected } from "../matrix.ts";
import { explained } from "./explained.ts";
import { refusalOf } from "./guard.ts";
import { type News, Watch } from "./watch.ts";

export interface PageServer extends Disposable {
  readonly url: string;
}

/** Opens the socket in the network namespace of this thread. Throws the error of the socket if the port is in use. */
export function servePage(state: LabState, port: number): PageServer {
  const watch = new Watch(state.lab);
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    idleTimeout: 0,
    routes: {
      "/": { GET: guarded(() => page(state)) },
      "/events": { GET: guarded(() => events(watch)) },
      "/test": { POST: guarded(() => runTests(state, watch)) },
      "/ping": { POST: guarded(() => pingPairs(state, watch)) },
      "/explain/:from/:to": {
        POST: guarded(async ({ url, params: { from = "", to = "" } }) => {
          const port = new URL(url).searchParams.get("port") ?? undefined;
          return Response.json(await explained(state, from, to, port), { headers: always });
        }),
      },
      "/ping/:from/:to": {
        POST: guarded(async ({ params: { from = "", to = "" } }) => {
          const pair = await pingPair(state, from, to);
          return answer(pair.reached ? `${pair.ms} ms` : "no answer");
        }),
      },
    },
    fetch: guarded(() => answer("There is no such page", 404)),
    error: (error) => answer(faultOf(error).sentence({ byHand: true }), 502),
  });
  return { url: `http://127.0.0.1:${server.port}/`, [Symbol.dispose]: () => void server.stop(true) };
}

type Asked = Request & { readonly params: Readonly<Record<string, string>> };
type Answering = (request: Asked, server: Bun.Server<unknown>) => Response | Promise<Response>;

function guarded(work: (request: Asked) => Response | Promise<Response>): Answering {
  return (request, server) => {
    const refusal = refusalOf(request, server.port!);
    return refusal === undefined ? work(request) : answer(refusal, 403);
  };
}

const always = {
  "cache-control": "no-store",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

const answer = (text: string, status = 200) =>
  new Response(text, { status, headers: { ...always, "content-type": "text/plain; charset=utf-8" } });

async function page(state: LabState): Promise<Response> {
  const [{ lab }, now] = await Promise.all([running(state), live(state)]);
  const { html, policy } = await livePage(diagramOf(lab, now));
  const headers = { ...always, "content-security-policy": `${policy}; frame-ancestors 'none'` };
  return new Response(html, { headers: { ...headers, "content-type": "text/html; charset=utf-8" } });
}

/** A reader that does not read is let go; its browser connects again. */
const waitingMax = 64;

function events(watch: Watch): Response {
  const encoder = new TextEncoder();
  let end = () => {};
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = ({ event, data }: News) => {
        controller.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
        if ((controller.desiredSize ?? 0) > -waitingMax) return;
        end();
        controller.close();
      };
      end = watch.listen(send);
    },
    cancel: () => end(),
  });
  return new Response(stream, { headers: { ...always, "content-type": "text/event-stream" } });
}

async function runTests(state: LabState, watch: Watch): Promise<Response> {
  let [done, failed] = [0, 0];
  for await (const { passed } of test(state)) {
    done++;
    if (!passed) failed++;
    watch.tell({ event: "progress", data: `${done} tests` });
  }
  return answer(`${done - failed} passed, ${failed} failed`);
}

const progressEvery = 50;

async function pingPairs(state: LabState, watch: Watch): Promise<Response> {
  let [done, wrong] = [0, 0];
  for await (const pair of pingAll(state)) {
    done++;
    if (!isAsExpected(pair)) wrong++;
    if (done % progressEvery === 0) watch.tell({ event: "progress", data: `${done} pairs` });
  }
  return answer(`${done - wrong} of ${done} as expected`);
}
