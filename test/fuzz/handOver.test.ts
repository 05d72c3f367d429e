/** An agent gets messages that no launcher sends. It does nothing of what they ask for, loses nothing, and serves the next call. */

import { ptr } from "bun:ffi";
import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { rarely } from "../../sys/sysRare.ts";
import { type InstalledPlace, installedPlace } from "../agent/installed.ts";
import { bytesOf, connect, goodParts, handOver, inputOf, newId, type Parts, receive, send } from "../agent/line.ts";
import { lab } from "../cli/place.ts";
import { type Daemon, until } from "../support/daemon.ts";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { run } from "../support/sandbox.ts";
import { ourLinks } from "../support/world.ts";
import { holds, mochaLimitMs } from "./property.ts";

const answerMsMax = 250;

describe("Random messages to an agent", function () {
  this.timeout(mochaLimitMs + 60_000);
  let machine: InstalledPlace;
  let agent: Daemon;
  let good: Parts;
  let opened: number[];
  let version: string;

  before(async function () {
    needs(this, "ns-net", "ns-net-launcher", "bridge", "curl");
    machine = installedPlace();
    agent = await machine.agent();
    version = run([nsNet, "--version"]).trim().replace("ns-net ", "");
    const env = {
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: "c1",
      CNI_NETNS: machine.pod.path,
      CNI_IFNAME: "eth0",
      CNI_PATH: machine.binDir,
    };
    good = goodParts(machine.place.host.path, version, env);
    opened = [inputOf({ ...lab, dataDir: machine.place.dataDir }), openSync(machine.pod.path, "r")];
  });
  after(async () => {
    for (const fd of opened ?? []) closeSync(fd);
    await agent?.end();
    machine?.[Symbol.dispose]();
  });

  const files = () => readdirSync(`/proc/${agent.pid}/fd`).length;
  /** The best of three: the machine has other work. */
  const serves = () => {
    const env = { ...good.env, CNI_COMMAND: "STATUS" };
    const times = [1, 2, 3].map(() => {
      const { exitCode, ms } = handOver(machine.socket, { ...good, id: newId(), env }, [opened[0]!]);
      assert.equal(exitCode, 0);
      return ms;
    });
    assert.ok(Math.min(...times) < answerMsMax, `good calls took ${times} ms`);
  };
  const nothingIsDone = () => {
    assert.deepEqual(ourLinks(machine.place.host), []);
    assert.deepEqual(ourLinks(machine.pod), []);
  };

  /** Sends, reads at most one byte if it is wanted, and closes. */
  function sent(bytes: Uint8Array, descriptors: readonly number[], words = "", read = 0): void {
    const line = connect(machine.socket);
    try {
      send(line, bytes, descriptors);
      if (read > 0) receive(line, read);
      for (const word of words) send(line, Buffer.from(word));
    } finally {
      closeSync(line);
    }
  }

  async function survived(work: () => void | Promise<void>): Promise<void> {
    serves();
    const before = files();
    await work();
    serves();
    nothingIsDone();
    await until(`the agent has ${before} files again`, () => files() <= before);
  }

  it("cut off at every byte are refused", () =>
    survived(() => {
      const whole = bytesOf(good);
      for (let length = 0; length < whole.length; length++) sent(whole.subarray(0, length), opened);
      for (let length = 0; length < whole.length; length += 7) sent(whole.subarray(0, length), []);
    }));

  const wrongParts: Record<string, fc.Arbitrary<Partial<Parts>>> = {
    magic: fc.record({ magic: fc.nat(0xffffffff) }),
    length: fc.record({ length: fc.oneof(fc.nat(300), fc.constantFrom(65_537, 0x7fffffff, 0xffffffff)) }),
    version: fc.record({ version: fc.string() }),
    id: fc.record({ id: fc.oneof(fc.string(), fc.constant("0".repeat(31)), fc.constant("G".repeat(32))) }),
    "mount namespace": fc.record({ mount: fc.oneof(fc.string(), fc.constantFrom("0", "-1", "9".repeat(400))) }),
    "PID namespace": fc.record({ pid: fc.oneof(fc.string(), fc.constantFrom("0", "4026531836.5")) }),
    "network namespace": fc.record({ network: fc.oneof(fc.string(), fc.constantFrom("0", "1")) }),
  };
  const wordLists = fc.stringMatching(/^[KTGX]{0,6}$/);

  for (const [what, wrong] of Object.entries(wrongParts)) {
    it(`with another ${what} are refused, whatever words follow`, () =>
      survived(() =>
        holds(fc.tuple(wrong, wordLists), ([change, words]) => {
          const bytes = bytesOf({ ...good, ...change });
          if (bytes.equals(bytesOf(good))) return;
          const isCut = bytes.readUInt32LE(4) > bytes.length && bytes.readUInt32LE(4) <= 65_536;
          sent(bytes, opened, words, isCut ? 0 : 1); // of a part, the agent waits for the rest
        }),
      ));
  }

  it("with random bytes are refused", () =>
    survived(() =>
      holds(fc.tuple(fc.uint8Array({ maxLength: 600 }), fc.boolean()), ([bytes, isWithFiles]) =>
        sent(bytes, isWithFiles ? opened : []),
      ),
    ));

  it("with bytes changed in a good one do nothing without the word to go", () =>
    survived(() =>
      holds(
        fc.tuple(
          fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
          fc.stringMatching(/^[KTX]{0,6}$/),
          fc.nat(1),
        ),
        ([changes, words, read]) => {
          const bytes = bytesOf({ ...good, id: newId() });
          for (const [at, value] of changes) bytes[8 + (at % (bytes.length - 8))] = value;
          sent(bytes, opened, words, read);
        },
      ),
    ));

  it("with other descriptors are refused", () =>
    survived(() => {
      const ends = new Int32Array(2);
      rarely("pipe2")(ptr(ends), 0o2000000);
      const [reading, writing] = [ends[0]!, ends[1]!];
      const strange = {
        nothing: openSync("/dev/null", "r"),
        folder: openSync("/", "r"),
        uts: openSync("/proc/self/ns/uts", "r"),
      };
      try {
        const [stdin, netns] = opened as [number, number];
        for (const descriptors of [
          [],
          [netns],
          [reading],
          [writing, netns],
          [strange.nothing, netns],
          [strange.folder, netns],
          [stdin, reading],
          [stdin, strange.nothing],
          [stdin, strange.folder],
          [stdin, strange.uts],
          [stdin, stdin],
          Array.from({ length: 60 }, () => reading),
        ]) {
          const line = connect(machine.socket);
          send(line, bytesOf({ ...good, id: newId() }), descriptors);
          assert.equal(receive(line, 1).length, 0, `accepted with descriptors ${descriptors}`);
          closeSync(line);
        }
      } finally {
        for (const fd of [reading, writing, ...Object.values(strange)]) closeSync(fd);
      }
    }));

  it("in a hundred connections that say nothing hold no other call up", () =>
    survived(async () => {
      const lines = Array.from({ length: 100 }, () => connect(machine.socket));
      for (let i = 0; i < 10; i++) serves();
      await Bun.sleep(300);
      for (const line of lines) {
        assert.equal(receive(line, 1).length, 0, "the agent waits no longer");
        closeSync(line);
      }
    }));

  it("in a hundred accepted connections without the word to go hold no other call up", () =>
    survived(() => {
      const lines = Array.from({ length: 100 }, () => {
        const line = connect(machine.socket);
        send(line, bytesOf({ ...good, id: newId() }), opened);
        return line;
      });
      for (const line of lines) assert.equal(receive(line, 1).toString(), "A");
      for (let i = 0; i < 10; i++) serves();
      for (const line of lines) closeSync(line);
    }));

  it("with the words of a call in any order, and an end at any moment, leave what a DEL removes", async () => {
    serves();
    const before = files();
    const order = fc.stringMatching(/^[KTX]{0,3}G[KTGX]{0,4}$/);
    const env = { ...good.env, CNI_COMMAND: "DEL" };
    holds(fc.tuple(order, fc.nat(40)), ([words, read]) => {
      const line = connect(machine.socket);
      send(line, bytesOf({ ...good, id: newId() }), opened);
      receive(line, 1);
      for (const word of words) send(line, Buffer.from(word));
      if (read > 20) receive(line, read);
      closeSync(line);
      const { exitCode, out } = handOver(machine.socket, { ...good, id: newId(), env }, opened);
      assert.equal(exitCode, 0, out);
      nothingIsDone();
    });
    serves();
    await until(`the agent has ${before} files again`, () => files() <= before);
    const troubles = readFileSync(machine.log, "utf8")
      .split("\n")
      .filter((line) => line.includes('"level":"error"'));
    assert.deepEqual(troubles, []);
  });
});
