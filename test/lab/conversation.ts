/** A TCP connection that bash keeps up between two pods: it sends a number, waits for the echo, and goes on to the next. */
import assert from "node:assert/strict";
import type { Person } from "./person.ts";

/**
 * `run` of a pod that talks to an echo server. It fails as soon as an answer is wrong or late. It waits by reading more
 * than the answer, because `sleep` is a process each time, and a conversation lasts as long as a file of tests.
 */
export const talks = (host: string, port: number): string =>
  `exec bash -c 'exec 3<>/dev/tcp/${host}/${port} || exit 9; for ((n = 0; ; n++)); do echo $n >&3; read -r -t 20 answer <&3 || exit 8; [ "$answer" = $n ] || exit 7; echo $n; read -r -t 0.05 <&3 && exit 6; done'`;

/** The conversation of a pod: throws if it is not the same connection any more, or if it stopped. */
export class Conversation {
  readonly #who: Person;
  readonly #pod: string;
  readonly #lab: readonly string[];
  readonly #socket: string;

  constructor(who: Person, pod: string, lab: readonly string[] = []) {
    this.#who = who;
    this.#pod = pod;
    this.#lab = lab;
    this.#heard(0);
    this.#socket = this.#sockets();
    assert.notEqual(this.#socket, "");
  }

  assertGoesOn(): void {
    const { run } = this.#who
      .json("status", ...this.#lab)
      .pods.find(({ name }: { name: string }) => name === this.#pod);
    assert.deepEqual(run, { state: "running", exitCode: null });
    assert.equal(this.#sockets(), this.#socket);
    this.#heard(this.#numbers().length);
  }

  /** Both ends of the connection, as ss prints them. */
  #sockets(): string {
    const { out } = this.#who.lab("exec", this.#pod, ...this.#lab, "--", "ss", "-Htn", "state", "established");
    return out
      .split("\n")
      .map((line) => line.trim().split(/\s+/).slice(2).join(" "))
      .sort()
      .join("\n");
  }

  #numbers(): string[] {
    return this.#who
      .lab("logs", this.#pod, ...this.#lab)
      .out.split("\n")
      .filter(Boolean);
  }

  /** Waits for the next number: another process says it, and only its log shows that. */
  #heard(count: number): void {
    const endMs = performance.now() + 20_000;
    while (this.#numbers().length <= count) assert.ok(performance.now() < endMs, `${this.#pod} hears nothing more`);
  }
}
