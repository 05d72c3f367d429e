/**
 * Processes in namespaces of their own: by start.c and by util-linux, as root and as an ordinary user. The witnesses are
 * /proc, ps, hostname and ip.
 */
import assert from "node:assert/strict";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../../../scripts/setup/tools.mjs";
import { namespaceKinds } from "../../../sys/namespaces/kinds.ts";
import { mountFlag } from "../../../sys/sysRare.ts";
import { needsSandbox, run } from "../../support/sandbox.ts";
import { skip } from "../../support/skip.ts";
import type { Asked } from "./starter.ts";

const kinds = Object.keys(namespaceKinds) as (keyof typeof namespaceKinds)[];
const ownMounts = { source: "", target: "/", type: "none", flags: mountFlag.slave | mountFlag.recursive };
const ownProc = { source: "proc", target: "/proc", type: "proc", flags: 0 };

/** The program with its runtime, in a folder that every user can read. */
let folder: string;
before(async function () {
  this.timeout(60_000);
  folder = mkdtempSync(join(tmpdir(), "ns-net-start-"));
  chmodSync(folder, 0o755);
  const built = await Bun.build({
    entrypoints: [join(import.meta.dirname, "starter.ts")],
    outdir: folder,
    target: "bun",
  });
  assert.ok(built.success);
  copyFileSync(process.execPath, join(folder, "bun"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs starter.ts and answers its exit code and output. `before` is a command line that runs it. */
function started(asked: Asked, by: Way, before: readonly string[] = []) {
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    [...before, join(folder, "bun"), join(folder, "starter.js"), JSON.stringify(asked)],
    { cwd: "/", env: { ...process.env, ...by.environment } },
  );
  return { code: exitCode, out: stdout.toString().trim(), err: stderr.toString().trim() };
}

interface Way {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
}

const ways: readonly Way[] = [
  { name: "start.c", environment: {} },
  { name: "util-linux", environment: { NSNET_STARTER: "util-linux" } },
];

/** Blocks until no process has this pid; throws after ten seconds. */
const untilGone = (pid: number) => run(["timeout", "10", "tail", `--pid=${pid}`, "-f", "/dev/null"]);

const shell = (script: string) => ["sh", "-c", script];

for (const way of ways) {
  const asCompiled = way.name === "start.c";

  describe(`start() by ${way.name}, as root`, function () {
    this.timeout(60_000);
    before(function () {
      needsSandbox(this);
      if (!asCompiled && findProgram("nsenter") === undefined) skip(this, "no util-linux");
    });

    it("creates the namespaces asked for, and no other", () => {
      const create = ["mnt", "uts", "ipc", "net", "pid", "cgroup"] as const;
      const { code, out, err } = started(
        { create, mounts: [ownMounts, ownProc], words: shell("for k in /proc/self/ns/*; do readlink $k; done") },
        way,
      );
      assert.equal(code, 0, err);
      const inside = out.split("\n");
      for (const kind of kinds) {
        const isShared = inside.includes(readlinkSync(`/proc/self/ns/${kind}`));
        assert.equal(isShared, !(create as readonly string[]).includes(kind), `${kind}: ${out}`);
      }
    });

    it("gives a hostname, and a /proc in which ps shows the own processes alone", () => {
      const { out, err } = started(
        {
          create: ["uts", "pid", "mnt"],
          hostname: "webby",
          mounts: [ownMounts, ownProc],
          init: true,
          words: shell("hostname; ps -A -o pid="),
        },
        way,
      );
      const [name, ...pids] = out.split("\n").map((line) => line.trim());
      assert.equal(name, "webby", err);
      assert.ok(pids.includes("1") && pids.length <= 4, out);
      assert.notEqual(run(["hostname"]).trim(), "webby");
    });

    it("exits as the program does, and with 128 and the number of the signal that ended it", () => {
      for (const init of [false, true]) {
        const create = init ? (["pid"] as const) : (["uts"] as const);
        assert.equal(started({ create, init, words: shell("exit 42") }, way).code, 42);
        assert.equal(started({ create, init, words: shell("kill -KILL $$") }, way).code, 137);
      }
    });

    it("enters the namespaces of a process by its descriptor", async () => {
      const other = Bun.spawn(["unshare", "--uts", "--net", "sh", "-c", "hostname other; echo; exec sleep 1000"], {
        stdout: "pipe",
      });
      try {
        await other.stdout.getReader().read();
        const enterPids = [{ pid: other.pid, kinds: ["uts", "net"] as const }];
        const { out, err } = started({ enterPids, words: shell("hostname; readlink /proc/self/ns/net") }, way);
        assert.equal(out, `other\n${readlinkSync(`/proc/${other.pid}/ns/net`)}`, err);
      } finally {
        other.kill("SIGKILL");
        await other.exited;
      }
    });

    it("keeps namespaces without a program, in a session of its own, until it is killed", async function () {
      if (!asCompiled) skip(this, "with util-linux the session and the descriptors are those of its outermost program");
      const asked: Asked = { create: ["pid", "uts"], hostname: "kept", init: true, session: true, printsPid: true };
      const child = Bun.spawn([join(folder, "bun"), join(folder, "starter.js"), JSON.stringify(asked)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const reader = child.stdout.getReader();
      const pid = Number(Buffer.from((await reader.read()).value!).toString());
      assert.equal(run(["nsenter", "--uts", "--target", String(pid), "hostname"]).trim(), "kept");
      assert.equal(run(["ps", "-o", "sid=", "-p", String(pid)]).trim(), String(pid));
      assert.equal(readdirSync(`/proc/${pid}/fd`).length, 0); // no pipe that another waits to end
      process.kill(pid, "SIGKILL");
      assert.equal(await child.exited, 137);
    });

    it("passes the signals that end a process to the program", async function () {
      if (!asCompiled) skip(this, "a shell as the first process passes none: the kernel kills the program with it");
      const asked: Asked = {
        ...{ create: ["pid"], init: true, foreground: true, diesWithCaller: true },
        words: shell('trap "exit 7" TERM; echo ready; while :; do read x || sleep 0.01; done'),
      };
      const child = Bun.spawn([join(folder, "bun"), join(folder, "starter.js"), JSON.stringify(asked)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await child.stdout.getReader().read();
      child.kill("SIGTERM");
      assert.equal(await child.exited, 7);
    });

    it("leaves no process when the caller is killed", async () => {
      const asked: Asked = {
        ...{ create: ["pid", "mnt"], mounts: [ownMounts, ownProc], init: true, diesWithCaller: true, printsPid: true },
        words: shell("sleep 1000"),
      };
      const child = Bun.spawn([join(folder, "bun"), join(folder, "starter.js"), JSON.stringify(asked)], {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, ...way.environment },
      });
      const { value } = await child.stdout.getReader().read();
      const pid = Number(Buffer.from(value!).toString());
      assert.ok(existsSync(`/proc/${pid}`));
      child.kill("SIGKILL");
      await child.exited;
      untilGone(pid);
    });

    it("reports a program that does not exist, and a mount that fails, and leaves no process", () => {
      const missing = started({ create: ["pid"], init: true, words: ["no-such-program"] }, way);
      const noMount = started(
        {
          create: ["mnt"],
          mounts: [ownMounts, { source: "proc", target: "/no/such/place", type: "proc", flags: 0 }],
          words: ["true"],
        },
        way,
      );
      if (asCompiled) {
        assert.deepEqual([missing.code, missing.out], [99, "Cannot execute no-such-program: ENOENT"]);
        assert.deepEqual([noMount.code, noMount.out], [99, "Cannot mount proc on /no/such/place: ENOENT"]);
      } else {
        assert.deepEqual([missing.code, noMount.code], [127, 99]);
        assert.match(`${missing.err} ${noMount.err}`, /no-such-program: not found.*\/no\/such\/place/s);
      }
      assert.equal(childrenOf(process.pid).length, 0);
    });
  });

  describe(`start() by ${way.name}, as an ordinary user`, function () {
    this.timeout(60_000);
    const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    before(function () {
      needsSandbox(this);
      if (Bun.spawnSync([...asNobody, "unshare", "--user", "true"]).exitCode !== 0)
        skip(this, "this machine gives ordinary users no user namespace");
    });

    it("makes this user root in a user namespace, with a network and processes of its own", () => {
      const asked: Asked = {
        create: ["user", "net", "pid", "mnt", "uts"],
        ...{ hostname: "mine", mounts: [ownMounts, ownProc], init: true },
        words: shell("id -u; hostname; ip link set lo up && ip -o link | wc -l; ps -A -o pid= | head -1"),
      };
      const { code, out, err } = started(asked, way, asNobody);
      assert.deepEqual([code, out.split("\n").map((line) => line.trim())], [0, ["0", "mine", "1", "1"]], err);
    });
  });
}

describe("start() where user namespaces are forbidden", function () {
  this.timeout(60_000);

  it("says so in one sentence, with the setting", function () {
    needsSandbox(this);
    // The limit holds in this user namespace and below, not on the machine.
    const script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"';
    const before = ["unshare", "--user", "--map-root-user", "sh", "-c", script];
    const { code, out, err } = started({ create: ["user", "net"], words: ["true"] }, ways[0]!, before);
    assert.equal(code, 99, err);
    assert.equal(
      out,
      "Cannot create a user namespace: this host allows no more of them (user.max_user_namespaces is 0)\n" +
        "Run it as root, or allow them: sudo sysctl -w user.max_user_namespaces=15000",
    );
  });
});

const childrenOf = (pid: number) =>
  readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean),
  );
