/** `lab apply` that is interrupted, killed, called twice, or called in vain: the lab is as before or as after, never between. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { netnsNames } from "../support/sandbox.ts";
import { assertNothingLeft, waitForEnd } from "./nothingLeft.ts";
import { machine, needsLabs, type Person, person, users } from "./person.ts";

const lab = `changing-${process.pid}`;
const file = "changing.yaml";

const pods = (names: string, count: number, more: string) =>
  Array.from({ length: count }, (_, i) => `  ${names}${i}: { networks: a, serve: http:80, ${more} }\n`).join("");

const head = `name: ${lab}\nnetworks: { a: 10.1.0.0/24, b: 10.2.0.0/24 }\npods:\n  stays: { networks: [a, b] }\n`;
const few = `${head}${pods("p", 3, "run: sleep 100")}`;
/** Adds pods, removes one, and restarts the others. */
const many = `${head}${pods("p", 2, "run: sleep 200")}${pods("q", 10, "run: sleep 100")}`;

const isChanging = (who: Person) =>
  JSON.parse(readFileSync(join(who.labs, lab, "state.json"), "utf8")).isChanging === true;

/** Names lead to the namespaces of the processes, and there are no others. */
function assertNamesAreRight(who: Person, names: readonly string[]): void {
  const { hosts, pods, outside } = who.json("inspect");
  const all = [...hosts, ...pods, outside] as { name: string; pid: number; namespace: string; inode: number }[];
  for (const { name, pid, namespace, inode } of all) {
    assert.equal(statSync(`/proc/${pid}/ns/net`).ino, inode, name);
    assert.equal(statSync(namespace).ino, inode, name);
  }
  if (who.labs.startsWith("/run/ns-net"))
    assert.deepEqual(netnsNames(), [...names, ...all.map(({ name }) => `${lab}-${name}`)].sort());
}

const countOf = (who: Person) => who.json("inspect").pods.length;

/** Fewer as an ordinary user, for whom the same code runs. */
const moments = { root: 8, "an ordinary user": 2 } as const;

for (const user of users) {
  describe(`lab apply in trouble, as ${user},`, function () {
    this.timeout(120_000);
    let who: Person;
    let names: readonly string[];
    before(function () {
      needsLabs(this, user);
      who = person(user);
      names = netnsNames();
    });
    after(() => who?.[Symbol.dispose]());
    const spawned = () =>
      Bun.spawn(who.line("lab", "apply", file), {
        cwd: who.folder,
        env: who.environment,
        stdout: "ignore",
        stderr: "pipe",
      });

    it("brings a lab up that is not up, and with --dry-run does not", () => {
      who.file(file, few);
      const { changes } = who.json("apply", file, "--dry-run");
      assert.deepEqual(changes[0], { what: "network", name: "a", change: "added", why: [] });
      assertNothingLeft(who, lab, names);
      assert.match(who.lab("apply", file).out, /is as the file says: 7 changes in \d+ ms\n$/);
      assert.match(who.lab("up", file).out, /up already/);
    });

    it("undoes all after SIGINT and SIGTERM, and exits with 1", async () => {
      for (const signal of user === "root" ? (["SIGINT", "SIGTERM"] as const) : (["SIGINT"] as const)) {
        who.file(file, many);
        const apply = spawned();
        while (!isChanging(who)) await Bun.sleep(1);
        apply.kill(signal);
        assert.equal(await apply.exited, 1);
        assert.match(
          await new Response(apply.stderr).text(),
          new RegExp(`Interrupted by ${signal}\n  The lab is as it was before`),
        );
        assert.equal(isChanging(who), false);
        assertNamesAreRight(who, names);
        assert.equal(countOf(who), 4);
        who.file(file, few);
        assert.match(who.lab("up", file).out, /up already/);
        assert.equal(who.lab("check", file).code, 0);
      }
    });

    it(`leaves the lab as before or as after when it is killed, at ${moments[user]} moments`, async () => {
      const stays = () => who.json("inspect").pods.find(({ name }: { name: string }) => name === "stays").inode;
      const before = stays();
      let text = few;
      for (let moment = 0; moment < moments[user]; moment++) {
        text = text === few ? many : few;
        who.file(file, text);
        const apply = spawned();
        while (!isChanging(who) && apply.exitCode === null) await Bun.sleep(1);
        await Bun.sleep(Math.random() * 300); // the moment, not a wait
        apply.kill("SIGKILL");
        await apply.exited;
        if (moment % 2 === 0) {
          assertNamesAreRight(who, names);
          assert.equal(isChanging(who), false);
          assert.ok([4, 13].includes(countOf(who)));
        }
        const { code, out, err } = who.lab("apply", file);
        assert.equal(code, 0, err + out);
        assertNamesAreRight(who, names);
        const check = who.lab("check", file);
        assert.equal(check.code, 0, check.out);
      }
      assert.equal(stays(), before);
    });

    it("is killed, and then down leaves nothing", async () => {
      const before = machine();
      who.file(file, few);
      const apply = spawned();
      while (!isChanging(who) && apply.exitCode === null) await Bun.sleep(1);
      apply.kill("SIGKILL");
      await apply.exited;
      const down = who.lab("down", file);
      assert.equal(down.code, 0, down.err);
      assertNothingLeft(who, lab, names);
      assert.equal(machine(), before);
    });

    if (user !== "root") return; // what follows is the same code
    it("serialises two at once: both succeed, and one of them changes the lab", async () => {
      for (const text of [few, many]) {
        who.file(file, text);
        const both = [spawned(), spawned()];
        assert.deepEqual(await Promise.all(both.map((one) => one.exited)), [0, 0]);
        assertNamesAreRight(who, names);
        assert.equal(who.lab("check", file).code, 0);
      }
      assert.equal(who.lab("down", file).code, 0);
    });

    it("says that the supervisor ended during it, and leaves no name", async () => {
      who.file(file, few);
      using _ = who.up(file);
      const [{ pid }] = who.json("ls");
      who.file(file, many);
      const apply = spawned();
      while (!isChanging(who)) await Bun.sleep(1);
      process.kill(pid, "SIGKILL");
      assert.equal(await apply.exited, 1);
      assert.match(
        await new Response(apply.stderr).text(),
        /The supervisor of the lab .* (ended during the change|does not answer)/,
      );
      waitForEnd(lab);
      assert.deepEqual(netnsNames(), names);
      assert.match(who.lab("apply", file).out, /is as the file says/);
      assertNamesAreRight(who, names);
    });

    it("refuses a lab of another name or another file, and a name that is taken", () => {
      who.file(file, few);
      using _ = who.up(file);
      who.file(file, few.replace(lab, "other"));
      assert.match(who.lab("apply", file).err, /which now names it other\n {2}Restore its name, or end it first/);
      who.file("second.yaml", few);
      for (const more of [[], ["--dry-run"]]) {
        const other = who.lab("apply", "second.yaml", ...more);
        assert.match(other.err, /is up already, from .*changing\.yaml/);
        assert.equal(other.out, "");
      }
      who.file(file, few.replace("stays:", "stay:").replace("networks: [a, b]", "networks: c"));
      assert.match(who.lab("apply", file).err, /^changing\.yaml:4:\d+: there is no network c/);
      assert.equal(existsSync(join(who.labs, "other")), false);
    });

    it("brings a dead pod back", () => {
      who.file(file, few);
      using _ = who.up(file);
      process.kill(who.json("inspect").pods[1].pid, "SIGKILL");
      const { changes } = who.json("apply", file);
      assert.deepEqual(changes, [{ what: "pod", name: "p0", change: "restarted", why: ["it is dead"] }]);
      assert.equal(who.lab("check", file).code, 0);
      assertNamesAreRight(who, names);
    });
  });
}
