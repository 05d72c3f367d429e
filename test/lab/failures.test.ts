/** Nothing remains after a failure: of a file, a command, the disk, or a process that is killed at any moment. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { netnsNames, run } from "../support/sandbox.ts";
import { assertNothingLeft, waitForEnd } from "./nothingLeft.ts";
import { machine, needsLabs, person, users } from "./person.ts";

/** Its own in each process of tests: processes of all of them are in sight. */
const doomed = `doomed-${process.pid}`;
const doomedFile = "doomed.yaml";

const sixPods = `
name: ${doomed}
networks: { a: 10.1.0.0/24, b: 10.2.0.0/24, c: "fd03::/64" }
pods:
${Array.from({ length: 6 }, (_, i) => `  p${i}: { networks: [${["a", "b", "c"][i % 3]}], serve: http:80, run: sleep 100 }`).join("\n")}
`;

/** Fewer as an ordinary user, for whom the same code runs. */
const moments = { root: 20, "an ordinary user": 3 } as const;

for (const user of users) {
  describe(`A lab that fails, as ${user}`, function () {
    this.timeout(180_000);
    before(function () {
      needsLabs(this, user);
    });

    it("of two up at once one makes it, and both succeed", async () => {
      using who = person(user);
      const both = [1, 2].map(() =>
        Bun.spawn(who.line("lab", "up", "two-pods.yaml"), { cwd: who.folder, env: who.environment, stderr: "pipe" }),
      );
      const said = await Promise.all(both.map((one) => new Response(one.stdout).text()));
      assert.deepEqual(await Promise.all(both.map((one) => one.exited)), [0, 0]);
      assert.match(said.sort().join(""), /^two-pods is up already\ntwo-pods is up: 2 pods/);
      assert.equal(who.lab("down", "two-pods.yaml").code, 0);
    });

    it("leaves nothing after a signal to up", async () => {
      using who = person(user);
      const names = netnsNames();
      who.file(doomedFile, sixPods);
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        const up = Bun.spawn(who.line("lab", "up", doomedFile), {
          ...{ cwd: who.folder, env: who.environment, stderr: "pipe" },
        });
        while (!existsSync(join(who.labs, doomed, "state.json"))) await Bun.sleep(1);
        up.kill(signal);
        assert.notEqual(await up.exited, 0);
        assertNothingLeft(who, doomed, names);
      }
    });

    it(`leaves nothing after up or down was killed at ${moments[user]} moments, and the next down`, async () => {
      using who = person(user);
      const [names, before] = [netnsNames(), machine()];
      who.file(doomedFile, sixPods);
      const startMs = performance.now();
      assert.equal(who.lab("up", doomedFile).code, 0);
      const upMs = performance.now() - startMs;
      assert.equal(who.lab("down", doomedFile).code, 0);
      for (const verb of ["up", "down"] as const) {
        for (let moment = 0; moment < moments[user]; moment++) {
          if (verb === "down") assert.equal(who.lab("up", doomedFile).code, 0);
          const command = Bun.spawn(who.line("lab", verb, doomedFile), {
            ...{ cwd: who.folder, env: who.environment, stderr: "ignore" as const },
          });
          // The moment, not a wait: one in each equal part of the time, so that no part is without.
          const part = (moment + Math.random()) / moments[user];
          await Bun.sleep(part * upMs * (verb === "up" ? 1 : 0.4));
          command.kill("SIGKILL");
          await command.exited;
          assert.equal(machine(), before);
          const down = who.lab("down", doomedFile);
          assert.equal(down.code, 0, down.err);
          assertNothingLeft(who, doomed, names);
        }
      }
    });

    it("ends with its supervisor, and the next command removes what is left", () => {
      using who = person(user);
      const names = netnsNames();
      using _ = who.up("two-pods.yaml");
      const [{ pid }] = who.json("ls");
      const [supervisor] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
      const pods = readFileSync(`/proc/${supervisor}/task/${supervisor}/children`, "utf8").split(" ").filter(Boolean);
      assert.ok(pods.length >= 3);
      process.kill(Number(supervisor), "SIGKILL");
      for (const one of [...pods, String(pid)]) run(["timeout", "10", "tail", `--pid=${one}`, "-f", "/dev/null"]);
      assert.equal(who.json("ls")[0].state, "dead");
      assert.deepEqual(netnsNames(), names);
      assert.match(who.lab("test").err, /No lab is up/);
      assert.match(who.lab("down", "two-pods.yaml").out, /removed what was left of two-pods/);
      assert.equal(who.lab("ls").out, "No lab is up.\n");
    });

    if (user !== "root") return; // what follows is the same code

    it("is up once: again from the same file, not from a changed one or another of that name", () => {
      using who = person(user);
      const [file, other] = ["two-pods.yaml", "other.yaml"];
      using _ = who.up(file);
      assert.match(who.lab("up", file).out, /two-pods is up already/);
      const text = readFileSync(join(who.folder, file), "utf8");
      who.file(other, `name: two-pods\n${text}`);
      const refused = who.lab("up", other);
      assert.equal(refused.code, 1);
      assert.match(refused.err, /The lab two-pods is up already, from .*two-pods\.yaml/);
      who.file(file, `${text}# changed\n`);
      assert.match(who.lab("up", file).err, /changed since/);
      rmSync(join(who.folder, file));
      assert.match(who.lab("down", file).out, /two-pods is down/);
      const again = who.lab("down", file);
      assert.deepEqual([again.code, again.out], [0, ""]);
    });

    it("up brings a dead lab up again", () => {
      using who = person(user);
      using _ = who.up("two-pods.yaml");
      process.kill(who.json("ls")[0].pid, "SIGKILL");
      waitForEnd("two-pods");
      const folder = () => statSync(join(who.labs, "two-pods")).ino; // the lock: another folder would be another lock
      const before = folder();
      assert.match(who.lab("up", "two-pods.yaml").out, /two-pods is up: 2 pods/);
      assert.equal(folder(), before);
      assert.equal(who.lab("test").code, 0);
    });

    it("reports mistakes of the file at their place, and makes nothing", () => {
      using who = person(user);
      who.file("bad.yaml", "networks: { front: 10.1.0.0/24 }\npods: { web: { networks: frnt } }\n");
      for (const command of ["check", "up"]) {
        const { code, err } = who.lab(command, "bad.yaml");
        assert.equal(code, 1);
        assert.match(err, /^bad\.yaml:2:26: there is no network frnt\n.*\n +\^{4}\n {2}did you mean front\?/);
      }
      assert.equal(who.lab("ls").out, "No lab is up.\n");
      const missing = who.lab("up", "none.yaml");
      assert.equal(missing.code, 1);
      assert.match(missing.err, /There is no file none\.yaml\n {2}Write one: ns-net lab new/);
    });

    it("names the file that is meant, and how to end the lab that is up", () => {
      using who = person(user);
      assert.match(who.lab("up", "two-pods.yml").err, /no file two-pods\.yml\n {2}Did you mean two-pods\.yaml\?\n$/);
      assert.match(who.lab("check", `${who.folder}/tow-pods.yaml`).err, /Did you mean \/\S+\/two-pods\.yaml\?\n$/);
      assert.match(who.lab("graph", "two-pods").err, /Did you mean two-pods\.yaml\?\n$/);
      using _ = who.up("two-pods.yaml");
      assert.match(
        who.lab("down").err,
        /lab\.yaml is not up; up: two-pods\n {2}To end it: ns-net lab down --lab two-pods\n$/,
      );
      assert.equal(who.lab("down", "--lab", "two-pods").out, "two-pods is down\n");
    });

    it("answers HTTP with the name of the pod as a line", () => {
      using who = person(user);
      who.file("line.yaml", "networks: { front: 10.1.0.0/24 }\npods: { web: { networks: front, serve: http:80 } }\n");
      using _ = who.up("line.yaml");
      const { out } = who.inside(
        "web",
        "bash",
        "-c",
        "exec 3<>/dev/tcp/127.0.0.1/80; printf 'GET / HTTP/1.0\r\n\r\n' >&3; cat <&3",
      );
      assert.match(out, /\r\n\r\nweb\n$/);
    });

    it("fails with a command that fails at once, and shows what it said", () => {
      using who = person(user);
      const names = netnsNames();
      who.file(
        "loud.yaml",
        "networks: { a: 10.1.0.0/24 }\npods: { web: { networks: a, run: 'echo oh no; exit 3' } }\n",
      );
      const { code, err } = who.lab("up", "loud.yaml");
      assert.equal(code, 1);
      assert.match(err, /run of web ended with exit code 3:\n {2}oh no/);
      assertNothingLeft(who, "loud", names);
    });

    it("fails with what the plugin refuses, and makes nothing", () => {
      using who = person(user);
      const names = netnsNames();
      who.file(
        "odd.yaml",
        "networks: { a: { subnets: [10.1.0.0/24], config: { mtuu: 1 } } }\npods: { web: { networks: a } }\n",
      );
      const { code, err } = who.lab("up", "odd.yaml");
      assert.equal(code, 1);
      assert.match(err, /mtuu/);
      assertNothingLeft(who, "odd", names);
    });
  });
}

describe("A lab of root", function () {
  this.timeout(60_000);
  before(function () {
    needsLabs(this, "root");
  });

  it("is refused if a name of its namespaces is taken, as that of another lab", () => {
    using who = person("root");
    who.file("x.yaml", "networks: { a: 10.1.0.0/24 }\npods: { y-z: { networks: a } }\n");
    who.file("x-y.yaml", "networks: { a: 10.1.0.0/24 }\npods: { z: { networks: a } }\n");
    using _ = who.up("x.yaml");
    const { code, err } = who.lab("up", "x-y.yaml");
    assert.equal(code, 1);
    assert.match(err, /The namespace of z needs the name \/run\/netns\/x-y-z, and the lab x has it/);
    assert.equal(existsSync(join(who.labs, "x-y")), false);
  });

  it("of two whose names collide, one is up with all its names", async () => {
    using who = person("root");
    const files = ["x.yaml", "x-y.yaml"];
    who.file("x.yaml", "networks: { a: 10.1.0.0/24 }\npods: { y-z: { networks: a } }\n");
    who.file("x-y.yaml", "networks: { a: 10.1.0.0/24 }\npods: { z: { networks: a } }\n");
    for (let round = 0; round < 4; round++) {
      const both = files.map((file) =>
        Bun.spawn(who.line("lab", "up", file), { cwd: who.folder, env: who.environment, stderr: "pipe" }),
      );
      assert.deepEqual((await Promise.all(both.map((one) => one.exited))).sort(), [0, 1]);
      assert.equal(netnsNames().filter((name) => name.startsWith("x-")).length, 3);
      for (const file of files) who.lab("down", file);
      assert.deepEqual(
        netnsNames().filter((name) => name.startsWith("x-")),
        [],
      );
    }
  });

  it("lives beside ip netns, where the folder of names is no mount of its own", () => {
    using who = person("root");
    const script = `set -e; mount --make-rprivate /; mount -t tmpfs none /run; mkdir /run/netns; ns-net lab up two-pods.yaml
      ip netns add other; ns-net lab ls; ns-net lab down two-pods.yaml; ls /run/netns`;
    const { stdout, stderr, exitCode } = Bun.spawnSync(["unshare", "--mount", "sh", "-c", script], {
      cwd: who.folder,
      env: { ...who.environment, PATH: `${who.folder}:${who.environment.PATH}` },
    });
    assert.equal(exitCode, 0, stderr.toString());
    assert.match(stdout.toString(), /two-pods is down\nother\n$/);
  });

  it("has logs that a reader may leave, and bring no more than a mebibyte", async () => {
    using who = person("root");
    who.file("loud.yaml", "pods: { a: { run: 'yes; sleep 1' } }\n");
    using _ = who.up("loud.yaml");
    const script = "ns-net lab logs a -f | head -1; ns-net lab logs a | wc -c";
    const { stdout, stderr } = Bun.spawnSync(["sh", "-c", script], {
      cwd: who.folder,
      env: { ...who.environment, PATH: `${who.folder}:${who.environment.PATH}` },
    });
    assert.equal(stderr.toString(), "");
    const [line, bytes] = stdout.toString().trim().split("\n");
    assert.equal(line, "y");
    assert.ok(Number(bytes) > 100_000 && Number(bytes) <= 1024 * 1024, bytes);
  });

  it("ends what follows its logs", async () => {
    using who = person("root");
    who.file("talks.yaml", 'pods: { a: { run: "while echo said; do sleep 0.1; done" } }');
    using _ = who.up("talks.yaml");
    const reader = Bun.spawn(who.line("lab", "logs", "a", "-f", "--lab", "talks"), { stdout: "pipe", stderr: "pipe" });
    await reader.stdout.getReader().read(); // it is following
    assert.equal(who.lab("down", "talks.yaml").code, 0);
    assert.equal(await reader.exited, 0);
    assert.equal(await new Response(reader.stderr).text(), "");
  });

  it("leaves nothing on a full disk, and says so", () => {
    using who = person("root");
    const names = netnsNames();
    const file = who.file(doomedFile, sixPods);
    run(["mkdir", "-p", "/run/ns-net"]);
    for (const size of ["8k", "40k", "120k"]) {
      run(["mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", "/run/ns-net"]);
      try {
        writeFileSync("/run/ns-net/ballast", new Uint8Array(Number.parseInt(size, 10) * 512));
        const { code, err } = who.lab("up", file);
        assert.equal(code, 1);
        assert.match(err, /ENOSPC|full|no space/i);
        assertNothingLeft(who, doomed, names);
      } finally {
        run(["umount", "/run/ns-net"]);
      }
    }
  });
});
