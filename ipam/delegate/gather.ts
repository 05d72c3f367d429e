/** Reads a stream to its end and keeps its beginning. */

interface Gathered {
  readonly done: Promise<void>;
  text(): string;
  /** True if the stream was longer than what was kept. */
  isCut(): boolean;
  /** Stops reading, so that the stream does not keep this process alive. */
  stop(): void;
}

/** `onBytes` gets all bytes, also those that are not kept. */
export function gather(
  stream: ReadableStream<Uint8Array>,
  bytesMax: number,
  onBytes?: (bytes: Uint8Array) => void,
): Gathered {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const read = async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      onBytes?.(part.value);
      if (length < bytesMax) chunks.push(part.value.subarray(0, bytesMax - length));
      length += part.value.length;
    }
  };
  return {
    done: read(),
    text: () => Buffer.concat(chunks).toString("utf8"),
    isCut: () => length > bytesMax,
    stop: () => void reader.cancel().catch(() => {}),
  };
}
