/** Each example is brought up, passes its tests by traffic, and leaves nothing: as root and as an ordinary user. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { netnsNames } from "../support/sandbox.ts";
import { exampleFiles, machine, needsLabs, type Person, person, users } from "./person.ts";

for (const user of users) {
  describe(`The examples of labs, as ${user}`, function () {
    this.timeout(180_000);
    let who: Person;
    let unchanged = "";
    let names: readonly string[] = [];
    before(function () {
      needsLabs(this, user);
      who = person(user);
      unchanged = machine();
      names = netnsNames();
    });
    after(() => who?.[Symbol.dispose]());

    it("broken.yaml fails in three places, and passes after lab apply of the repaired file", () => {
      using _ = who.up("broken.yaml");
      const failed = () =>
        who
          .json("test")
          .tests.filter(({ passed }: { passed: boolean }) => !passed)
          .map(({ test }: { test: string }) => test);
      assert.deepEqual(failed(), ["outside -> http://host:8080/", "api -> db:5432", "api -> disk:3260"]);
      const broken = readFileSync(join(who.folder, "broken.yaml"), "utf8");
      const repaired = broken
        .replace("8080:8080", "8080:80")
        .replace("isolate: pods", "isolate: networks")
        .replace("default: 10.3.0.9", "default: 10.3.0.1");
      who.file("broken.yaml", repaired);
      const apply = who.lab("apply", "broken.yaml");
      assert.equal(apply.code, 0, apply.err);
      assert.deepEqual(failed(), []);
      assert.equal(who.lab("ping").code, 0);
    });

    function looksWhole(file: string, lab: string): void {
      const ping = who.lab("ping");
      assert.equal(ping.code, 0, ping.out + ping.err);
      const check = who.lab("check", file);
      assert.match(check.out, new RegExp(`${lab} is up, and everything is as it was made`), check.err);
    }

    for (const file of exampleFiles.filter((name) => name !== "broken.yaml")) {
      it(`${file} passes its tests, and leaves nothing`, () => {
        const lab = file.replace(".yaml", "");
        const up = who.lab("up", file);
        try {
          assert.equal(up.code, 0, up.err);
          const { failed, passed, tests } = who.json("test");
          assert.ok(failed === 0 && passed === tests.length && passed > 0, JSON.stringify(tests, null, 1));
          assert.equal(machine(), unchanged);
          if (user === "root") looksWhole(file, lab); // for the other user the same code
        } finally {
          assert.equal(who.lab("down", file).code, 0);
        }
        assert.equal(machine(), unchanged);
        assert.deepEqual(netnsNames(), names);
        assert.equal(existsSync(who.labs), false);
      });
    }
  });
}
