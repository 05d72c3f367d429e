/** A stream of lines of JSON, as the supervisor writes them. */

export async function* linesOf<Line>(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  const decoder = new TextDecoder();
  let begun = "";
  for await (const chunk of stream) {
    const lines = (begun + decoder.decode(chunk, { stream: true })).split("\n");
    begun = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as Line;
  }
}
