/** `lab capture`. The witnesses are Wireshark's programs (tshark, capinfos), and the counters of ip. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../scripts/setup/tools.mjs";
import { needs } from "../support/needs.ts";
import { onTerminal } from "../support/terminal.ts";
import { needsLabs, type Person, person, users } from "./person.ts";

const file = `
networks: { front: 10.1.0.0/24, back: 10.2.0.0/24 }
pods:
  web: { networks: [front, back] }
  api: { networks: back }
  log: { joins: web }
routers: { r1: {}, r2: {} }
links:
  - ["r1 172.16.0.1/30", "r2 172.16.0.2/30"]
  - ["r1 172.16.1.1/30", "r2 172.16.1.2/30"]
tests: []
`;

/** A command that runs; its standard error so far comes with the exit code. */
interface Running {
  readonly process: Bun.Subprocess<null, "pipe", "pipe">;
  /** Resolves when something is in the file: then the capture has begun. */
  begun(path: string): Promise<void>;
  end(signal?: NodeJS.Signals): Promise<{ readonly code: number; readonly err: string }>;
}

for (const user of users) {
  describe(`lab capture, as ${user}`, function () {
    this.timeout(60_000);
    let who: Person;
    let up: Disposable;
    before(function () {
      needsLabs(this, user);
      needs(this, "tshark");
      who = person(user);
      who.file("captured.yaml", file);
      run(["chown", "65534", who.folder]);
      up = who.up("captured.yaml");
    });
    after(() => {
      up?.[Symbol.dispose]();
      who?.[Symbol.dispose]();
    });

    const path = (name: string) => join(who.folder, name);
    const started = (command: readonly string[]): Running => {
      const process = Bun.spawn([...command], {
        ...{ cwd: who.folder, env: who.environment, stdin: null, stdout: "pipe", stderr: "pipe" },
      });
      return {
        process,
        async begun(path) {
          while ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) {
            assert.equal(process.exitCode, null);
            await Bun.sleep(5);
          }
        },
        async end(signal) {
          if (signal) process.kill(signal);
          return { code: await process.exited, err: await new Response(process.stderr).text() };
        },
      };
    };
    const capture = (...words: string[]) => started(who.line("lab", "capture", ...words));
    /** Captures into a file from before `work` until after it. */
    const during = async (name: string, places: readonly string[], work: () => void) => {
      const running = capture(...places, "-w", name);
      await running.begun(path(name));
      work();
      return running.end("SIGINT");
    };
    const inPod = (pod: string, ...words: string[]) => {
      const { code, out, err } = who.inside(pod, ...words);
      assert.equal(code, 0, out + err);
      return out;
    };
    const fields = (name: string, filter: string, ...all: string[]) =>
      run(["tshark", "-r", path(name), "-Y", filter, "-Tfields", ...all.flatMap((one) => ["-e", one])])
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split("\t"));
    const summary = (name: string) => run(["capinfos", path(name)]);

    it("has the same ping on each interface, by its name, in the order of time and with its direction", async () => {
      const ping = () => inPod("web", "ping", "-c", "2", "-i", "0.1", "api");
      const { code, err } = await during("ping.pcapng", ["web@back", "host@back", "api"], ping);
      assert.equal(code, 0, err);
      assert.match(err, /^\d+ packets in ping\.pcapng: web@back \d+, host@back \d+, api@back \d+$/m);
      const [out, into] = ["0x00000002", "0x00000001"];
      const rows = fields(
        ...["ping.pcapng", "", "frame.time_epoch", "icmp.seq", "frame.interface_name", "icmp.type"],
        ...["frame.packet_flags_direction", "icmp.ident"],
      );
      const pings = rows.filter(([, sequence]) => sequence === "1");
      assert.deepEqual(
        pings.map((row) => row.slice(2, 5)),
        [
          ["web@back", "8", out],
          ["host@back", "8", into],
          ["api@back", "8", into],
          ["api@back", "0", out],
          ["host@back", "0", into],
          ["web@back", "0", into],
        ],
      );
      assert.equal(new Set(pings.map(([, , , , , identifier]) => identifier)).size, 1);
      const nanoseconds = rows.map(([time]) => BigInt(time!.replace(".", "")));
      assert.ok(nanoseconds.length >= 12);
      assert.ok(nanoseconds.every((time, i) => i === 0 || time >= nanoseconds[i - 1]!));
      const ageMs = Date.now() - Number(nanoseconds[0]! / 1_000_000n);
      assert.ok(ageMs > 0 && ageMs < 30_000, String(ageMs));
      const text = summary("ping.pcapng");
      assert.match(text, /Strict time order:\s+True/);
      assert.match(text, /Name = host@back\n\s+Description = back of host\n/);
      assert.equal(text.match(/Number of stat entries = 1/g)?.length, 3);
    });

    it("counts what it lost while the reader waits, and says so", async () => {
      const running = capture("web@back", "-w", "-");
      const reader = running.process.stdout.getReader();
      const chunks = [(await reader.read()).value!];
      const passed = () => {
        const [{ stats64 }] = JSON.parse(inPod("web", "ip", "-j", "-s", "link", "show", "eth1"));
        return stats64.rx.packets + stats64.tx.packets;
      };
      const before = passed();
      inPod("web", "ping", "-q", "-c", "500", "-i", "0.002", "-s", "65000", "api");
      const sent = passed() - before;
      const ending = running.end("SIGTERM");
      for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
      const { code, err } = await ending;
      assert.equal(code, 0, err);
      await Bun.write(path("lost.pcapng"), Buffer.concat(chunks));
      const captured = Number(/Number of packets:\s+(\d+)/.exec(run(["capinfos", "-cM", path("lost.pcapng")]))?.[1]);
      const lost = Number(/^(\d+) packets lost, because writing was too slow: \1 of web@back$/m.exec(err)?.[1]);
      assert.ok(lost > 0 && captured > 0, err);
      // A few packets of neighbour discovery may come between the questions and the ends of the capture.
      assert.ok(captured + lost >= sent && captured + lost < sent + 20, `${captured} + ${lost}, of ${sent}`);
    });

    it("ends with a sentence when a pod dies, and when the lab goes down; the file is whole", async () => {
      const dying = capture("r2@r1", "-w", "dead.pcapng");
      await dying.begun(path("dead.pcapng"));
      const { pods } = who.json("inspect") as { pods: { name: string; pid: number }[] };
      process.kill(pods.find(({ name }) => name === "r2")!.pid, "SIGKILL");
      const dead = await dying.end();
      assert.equal(dead.code, 1);
      assert.match(dead.err, /the capture ended, because r2 is gone/);
      assert.match(who.lab("capture", "r2", "-w", "no.pcapng").err, /r2 is dead/);

      const running = capture("web", "r1@r2.2", "-w", "down.pcapng");
      await running.begun(path("down.pcapng"));
      inPod("web", "ping", "-c", "1", "api");
      assert.equal(who.lab("down", "captured.yaml").code, 0);
      const down = await running.end();
      assert.equal(down.code, 1);
      assert.match(down.err, /the capture ended, because the lab captured went down/);
      assert.equal(fields("down.pcapng", "icmp", "frame.interface_name").length, 2);
      assert.match(summary("down.pcapng"), /Number of stat entries = 1/);
      up = who.up("captured.yaml");
    });

    if (user === "root") alike();

    /** The tests for which the user makes no difference. */
    function alike() {
      it("knows links, everything of a pod, the host and outside by name, each once", async () => {
        const places = ["r1", "r2@r1", "web", "web@eth0", "host", "outside"];
        const { code, err } = await during("all.pcapng", places, () => {});
        assert.equal(code, 0, err);
        const names = [...summary("all.pcapng").matchAll(/Name = (.*)/g)].map(([, name]) => name);
        assert.deepEqual(names, [
          ...["r1@r2", "r1@r2.2", "r2@r1", "web@front", "web@back"],
          ...["host@front", "host@back", "host@outside", "outside"],
        ]);
      });

      it("writes the header at once, then packets while they come, to a program that reads a pipe", async () => {
        const line = who.line("lab", "capture", "r1@r2", "-w", "-", "-c", "3");
        const running = started([
          "sh",
          "-c",
          `"$@" | tee piped.pcapng | tshark -l -r - -Tfields -e frame.interface_name`,
          "sh",
          ...line,
        ]);
        await running.begun(path("piped.pcapng"));
        assert.equal(summary("piped.pcapng").match(/Name = (.*)/)?.[1], "r1@r2");
        inPod("r1", "ping", "-c", "2", "-i", "0.1", "172.16.0.2");
        const out = await new Response(running.process.stdout).text();
        assert.equal((await running.end()).code, 0);
        assert.match(out, /^(r1@r2(\.2)?\n){3}$/); // -c ends it
      });

      it("keeps VLAN tags and the lengths of frames", async () => {
        const frame = Buffer.concat([
          Buffer.from("ffffffffffff020000000001810060050800", "hex"), // 802.1Q: priority 3, VLAN 5
          Buffer.alloc(83, 1),
        ]);
        const { code, err } = await during("vlan.pcapng", ["web@back", "api"], () => {
          const bytes = [...frame].map((byte) => `\\0${byte.toString(8)}`).join("");
          inPod("web", "sh", "-c", `printf %b '${bytes}' | ${findProgram("socat")} -u STDIN INTERFACE:eth1`);
        });
        assert.equal(code, 0, err);
        // The bridge sends it to all, and back to web (hairpin).
        const seen = fields("vlan.pcapng", "vlan", "frame.interface_name", "vlan.id", "vlan.priority", "frame.len");
        const each = new Set(seen.map((words) => words.join(" ")));
        assert.deepEqual([...each], [`web@back 5 3 ${frame.length}`, `api@back 5 3 ${frame.length}`]);
      });

      it("ends when its reader has gone, and when the disk is full, and says so", async () => {
        const line = who.line("lab", "capture", "r1", "-w", "-");
        const piped = started(["sh", "-c", `{ "$@"; echo "exit code $?" >&2; } | head -c 1`, "sh", ...line]);
        while (piped.process.exitCode === null) {
          who.inside("r1", "ping", "-c", "1", "172.16.0.2");
          await Bun.sleep(1); // an exit code comes by an event
        }
        assert.match((await piped.end()).err, /exit code 0/);
        const full = await capture("r1", "-w", "/dev/full").end();
        assert.equal(full.code, 1);
        assert.match(full.err, /Cannot write the packets: the disk is full/);
      });

      it("refuses what it cannot capture, and leaves the file as it was", async () => {
        who.file("old.pcapng", "old");
        const refused = (pattern: RegExp, ...words: string[]) => {
          const { code, err } = who.lab("capture", ...words);
          assert.match(err, pattern);
          return code;
        };
        assert.equal(refused(/there is no pod wbe\n {2}did you mean web\?/, "wbe", "-w", "old.pcapng"), 1);
        assert.equal(refused(/log joins web, .*\n {2}write web/, "log", "-w", "old.pcapng"), 1);
        assert.equal(refused(/host has no bak\n {2}there is: host@front/, "host@bak", "-w", "old.pcapng"), 1);
        assert.equal(refused(/Cannot write \/nowhere\/x: ENOENT/, "web", "-w", "/nowhere/x"), 1);
        assert.equal(refused(/--count 0: give a number/, "web", "-w", "old.pcapng", "-c", "0"), 2);
        assert.equal(refused(/--json needs -w FILE/, "web", "-w", "-", "--json"), 2);
        assert.equal(readFileSync(path("old.pcapng"), "utf8"), "old");
        const shown = await onTerminal(who.line("lab", "capture", "web"), { env: who.environment, cwd: who.folder });
        assert.equal(shown.code, 2);
        assert.match(shown.text, /a terminal cannot show packets: give -w FILE/);
      });
    }
  });
}

/** The standard output of a program that succeeds. */
function run(words: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([findProgram(words[0]!)!, ...words.slice(1)], { stdin: null });
  assert.equal(exitCode, 0, stderr.toString());
  return stdout.toString();
}
