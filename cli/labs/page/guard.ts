/**
 * Who may ask the server of a page. It listens on loopback alone, but a browser reaches that for every page of the Internet:
 * by another site's script, or by a name that its owner lets lead to 127.0.0.1 (DNS rebinding).
 */

/** Why a request is refused; undefined if it may come in. */
export function refusalOf(request: Request, port: number): string | undefined {
  const own = ["127.0.0.1", "localhost"].map((name) => `${name}:${port}`);
  const host = request.headers.get("host");
  if (host === null || !own.includes(host)) return `This server is ${own[0]}, and not ${host}`;
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== `http://${host}`) return `${origin} may not ask this server`;
  // Browsers name the origin of every POST. A program without one is not the page.
  if (request.method === "POST" && origin === null) return "Only the page of this server may do this";
  if (request.method !== "POST" && request.method !== "GET") return `${request.method} is not served`;
  return undefined;
}
