/** The output of a pod's command: the last mebibyte, kept in memory, so that a full disk loses none of it. */

const bytesMax = 1024 * 1024;

export class Log {
  #chunks: Uint8Array[] = [];
  /** Bytes of all chunks, and of those that were dropped before them. */
  #bytes = 0;
  #dropped = 0;
  readonly #end = Promise.withResolvers<void>();
  #isEnded = false;
  /** Resolves with the next output, or at the end. */
  #more = Promise.withResolvers<void>();

  append(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes > bytesMax) this.#shorten(this.#bytes - bytesMax);
    this.#tell();
  }

  /** Resolves when no more output can come. */
  get ended(): Promise<void> {
    return this.#end.promise;
  }

  /** No more output comes. */
  end(): void {
    this.#isEnded = true;
    this.#end.resolve();
    this.#tell();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  /**
   * The output so far, and with `isFollowed` all that comes until the command and its children end. A slow reader misses
   * what is older than the last mebibyte.
   */
  stream(isFollowed: boolean): ReadableStream<Uint8Array> {
    let at = 0;
    return new ReadableStream({
      pull: async (controller) => {
        while (isFollowed && !this.#isEnded && at >= this.#dropped + this.#bytes) await this.#more.promise;
        const [chunk, end] = this.#after(at);
        at = end;
        if (chunk.length > 0) controller.enqueue(chunk);
        if (chunk.length === 0 || !isFollowed) controller.close();
      },
    });
  }

  /** The output behind a position in all output, as far as it is kept, and the position behind that. */
  #after(position: number): [Uint8Array, number] {
    const kept = Buffer.concat(this.#chunks);
    return [kept.subarray(Math.max(0, position - this.#dropped)), this.#dropped + kept.length];
  }

  #tell(): void {
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }

  /** Drops at most `bytes` of the oldest chunk. */
  #shorten(bytes: number): void {
    const oldest = this.#chunks[0]!;
    const less = Math.min(bytes, oldest.length);
    if (less === oldest.length) this.#chunks.shift();
    else this.#chunks[0] = oldest.subarray(less);
    this.#bytes -= less;
    this.#dropped += less;
  }
}
