/**
 * A page over HTTP from inside a namespace. `fetch` opens its sockets in a thread of its own, which is in the namespace of
 * the process, so the request is written by hand: HTTP/1.0 (RFC 1945), whose answer ends with the connection.
 */

import type { Address } from "../../ip/address.ts";
import { formatAddress } from "../../ip/address.ts";
import type { Netns } from "../../sys/netns.ts";
import type { Destination } from "../file/labFile.ts";
import { startIn } from "../world/startIn.ts";

/** A test asks for words near the beginning of a page. */
const answerBytesMax = 1024 * 1024;

/**
 * Answers undefined if there is a connection and no answer of HTTP by the end of `over`, which closes it. Rejects if there is
 * no connection.
 */
export async function httpGet(
  from: Netns,
  address: Address,
  { name, port, path }: Extract<Destination, { kind: "http" }>,
  over: AbortSignal,
): Promise<{ readonly status: number; readonly body: string } | undefined> {
  const host = `${name.includes(":") ? `[${name}]` : name}${port === 80 ? "" : `:${port}`}`;
  const request = `GET ${path} HTTP/1.0\r\nHost: ${host}\r\nUser-Agent: ns-net\r\nAccept: */*\r\n\r\n`;
  const { promise, resolve } = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  let answer = "";
  const connecting = startIn(from, () =>
    Bun.connect({
      hostname: formatAddress(address),
      port,
      socket: {
        open: (socket) => void socket.write(request),
        data(_, bytes) {
          answer += decoder.decode(bytes, { stream: true });
          if (!beginning.startsWith(answer.slice(0, beginning.length)) || answer.length > answerBytesMax) resolve();
        },
        close: () => resolve(),
        error: () => resolve(),
      },
    }),
  );
  over.addEventListener("abort", () => {
    resolve();
    void connecting.then((socket) => socket.terminate()).catch(() => {});
  });
  await connecting;
  await promise;
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
  if (status === undefined) return undefined;
  const headersEnd = answer.indexOf("\r\n\r\n");
  return { status: Number(status), body: headersEnd < 0 ? "" : answer.slice(headersEnd + 4) };
}

const beginning = "HTTP/1.";
