/** The output of a pod's command: the last mebibyte, kept in memory, so that a full disk loses none of it. */

const bytesMax = 1024 * 1024;

export class Log {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  readonly #end = Promise.withResolvers<void>();
  #isEnded = false;
  readonly #followers = new Set<ReadableStreamDefaultController<Uint8Array>>();

  append(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes > bytesMax) this.#bytes -= this.#shorten(this.#bytes - bytesMax);
    for (const follower of this.#followers) follower.enqueue(chunk);
  }

  /** Resolves when no more output can come. */
  get ended(): Promise<void> {
    return this.#end.promise;
  }

  /** No more output comes. */
  end(): void {
    this.#isEnded = true;
    this.#end.resolve();
    for (const follower of this.#followers) follower.close();
    this.#followers.clear();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  /** The output so far, and with `isFollowed` all that comes until the command and its children end. */
  stream(isFollowed: boolean): ReadableStream<Uint8Array> {
    let own: ReadableStreamDefaultController<Uint8Array> | undefined;
    return new ReadableStream({
      start: (controller) => {
        for (const chunk of this.#chunks) controller.enqueue(chunk);
        if (!isFollowed || this.#isEnded) return controller.close();
        own = controller;
        this.#followers.add(controller);
      },
      cancel: () => void (own && this.#followers.delete(own)),
    });
  }

  /** Takes at most `bytes` from the oldest chunk; answers how many. */
  #shorten(bytes: number): number {
    const [oldest] = this.#chunks;
    if (oldest === undefined || oldest.length > bytes) {
      if (oldest) this.#chunks[0] = oldest.subarray(bytes);
      return bytes;
    }
    this.#chunks.shift();
    return oldest.length;
  }
}
