import assert from "node:assert/strict";
import { Fault } from "../../conf/fault.ts";

/** `run` must throw a Fault with this code whose sentence and cure together contain all of `words`. */
export function refuses(run: () => unknown, faultCode: number, ...words: readonly string[]): void {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof Fault, `not a Fault but ${error}`);
    const text = `${error.message}; ${error.cure()}`;
    assert.equal(error.code, faultCode, text);
    for (const word of words) assert.ok(text.includes(word), `${JSON.stringify(text)} lacks ${word}`);
    return;
  }
  assert.fail("was accepted");
}

export const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

/** A complete environment for ADD. */
export const addEnv = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "web",
  CNI_NETNS: "/run/netns/web",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/opt/cni/bin:/usr/lib/cni",
};
