/** `ns-net lab`, as root and as an ordinary user. The witnesses are ip, ps, hostname, and the lab's own tests by traffic. */
import assert from "node:assert/strict";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { netnsNames, run } from "../support/sandbox.ts";
import { skip } from "../support/skip.ts";

const examples = join(import.meta.dirname, "../../lab/examples");
const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

interface Person extends Disposable {
  readonly name: string;
  readonly folder: string;
  lab(...words: string[]): { readonly code: number | null; readonly out: string; readonly err: string };
}

/** A person with a folder of examples and a runtime folder of their own. */
function person(user: "root" | "an ordinary user"): Person {
  const folder = mkdtempSync(join(tmpdir(), "ns-net-lab-"));
  chmodSync(folder, 0o755);
  const program = join(folder, "ns-net");
  copyFileSync(nsNet, program);
  for (const file of readdirSync(examples)) copyFileSync(join(examples, file), join(folder, file));
  const runtime = join(folder, "run");
  mkdirSync(runtime);
  chmodSync(runtime, 0o777);
  return {
    name: user,
    folder,
    lab(...words) {
      const line = [...(user === "root" ? [] : asNobody), program, "lab", ...words];
      const { exitCode, stdout, stderr } = Bun.spawnSync(line, {
        cwd: folder,
        env: { ...process.env, XDG_RUNTIME_DIR: runtime, HOME: folder },
        timeout: 60_000,
        stdin: null,
      });
      return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function brought(who: Person, file: string): void {
  const { code, err } = who.lab("up", file);
  assert.equal(code, 0, err);
}

/** The state that a lab must not change: links, routes, rules and settings of this network namespace. */
const machine = () =>
  run([
    "sh",
    "-c",
    "ip -d link; ip address; ip route show table all; nft list ruleset; sysctl -a 2>/dev/null | grep -E 'forward|rp_filter|bridge'",
  ]);

for (const user of ["root", "an ordinary user"] as const) {
  describe(`ns-net lab, as ${user}`, function () {
    this.timeout(180_000);
    before(function () {
      needs(this, "ns-net", "bridge", "nft nat", "ipv6");
      if (user !== "root" && Bun.spawnSync([...asNobody, "unshare", "--user", "true"]).exitCode !== 0)
        skip(this, "this machine gives ordinary users no user namespace");
    });

    for (const file of readdirSync(examples)) {
      it(`brings ${file} up, passes its tests, and leaves nothing`, () => {
        using who = person(user);
        const before = machine();
        try {
          const up = who.lab("up", file);
          assert.equal(up.code, 0, up.err);
          assert.equal(machine(), before);
          const tested = who.lab("test", "--json");
          assert.equal(tested.code, 0, tested.out + tested.err);
          const { failed, tests } = JSON.parse(tested.out);
          assert.ok(failed === 0 && tests.length > 0, tested.out);
        } finally {
          who.lab("down", file);
        }
        assert.equal(machine(), before);
        assert.equal(who.lab("ls").out, "No lab is up.\n");
        assert.deepEqual(
          netnsNames().filter((name) => /^shop|^two-pods/.test(name)),
          [],
        );
      });
    }

    it("gives a pod a hostname, a /proc and an /etc/hosts of its own", () => {
      using who = person(user);
      brought(who, "shop-small.yaml");
      try {
        assert.equal(who.lab("exec", "web", "hostname").out, "web\n");
        const pids = who.lab("exec", "web", "ps", "-A", "-o", "comm=").out.split("\n").filter(Boolean);
        assert.ok(pids.includes("sh") && pids.length <= 5, pids.join());
        assert.match(who.lab("exec", "web", "cat", "/etc/hosts").out, /^10\.1\.0\.3 api$/m);
        assert.match(who.lab("exec", "log", "ip", "-4", "-br", "address").out, /10\.1\.0\.2\/24/);
        assert.equal(who.lab("exec", "web", "sh", "-c", "exit 7").code, 7);
        const unknown = who.lab("exec", "wbe", "true");
        assert.equal(unknown.code, 1);
        assert.match(unknown.err, /has no pod wbe\n {2}Did you mean web\?/);
      } finally {
        who.lab("down", "shop-small.yaml");
      }
    });

    it("is up once: again from the same file, not from a changed one or another of that name", () => {
      using who = person(user);
      const [file, other] = ["two-pods.yaml", "other.yaml"];
      brought(who, file);
      try {
        assert.match(who.lab("up", file).out, /is up already/);
        const text = readFileSync(join(who.folder, file), "utf8");
        writeFileSync(join(who.folder, other), `name: two-pods\n${text}`);
        const refused = who.lab("up", other);
        assert.equal(refused.code, 1);
        assert.match(refused.err, /The lab two-pods is up already, from .*two-pods\.yaml/);
        writeFileSync(join(who.folder, file), `${text}# changed\n`);
        assert.match(who.lab("up", file).err, /changed since/);
        rmSync(join(who.folder, file));
      } finally {
        assert.match(who.lab("down", file).out, /two-pods is down/);
      }
    });

    it("ends with its supervisor, and the next command removes what is left", () => {
      using who = person(user);
      brought(who, "two-pods.yaml");
      const [{ pid }] = JSON.parse(who.lab("ls", "--json").out);
      const [supervisor] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
      const pods = readFileSync(`/proc/${supervisor}/task/${supervisor}/children`, "utf8").split(" ").filter(Boolean);
      assert.ok(pods.length >= 3);
      process.kill(Number(supervisor), "SIGKILL");
      for (const one of [...pods, String(pid)]) run(["timeout", "10", "tail", `--pid=${one}`, "-f", "/dev/null"]);
      assert.equal(JSON.parse(who.lab("ls", "--json").out)[0].state, "dead");
      assert.match(who.lab("down", "two-pods.yaml").out, /removed what was left of two-pods/);
      assert.equal(who.lab("ls").out, "No lab is up.\n");
      brought(who, "two-pods.yaml");
      who.lab("down", "two-pods.yaml");
    });

    it("reports mistakes of the file at their place, and makes nothing", () => {
      using who = person(user);
      writeFileSync(
        join(who.folder, "bad.yaml"),
        "networks: { front: 10.1.0.0/24 }\npods: { web: { networks: frnt } }\n",
      );
      for (const command of ["check", "up"]) {
        const { code, err } = who.lab(command, "bad.yaml");
        assert.equal(code, 1);
        assert.match(err, /^bad\.yaml:2:26: there is no network frnt\n.*\n +\^{4}\n {2}did you mean front\?/);
      }
      assert.equal(who.lab("ls").out, "No lab is up.\n");
      const missing = who.lab("up", "none.yaml");
      assert.equal(missing.code, 1);
      assert.match(missing.err, /none\.yaml/);
    });
  });
}
