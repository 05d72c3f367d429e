/** Each example is brought up, passes its tests by traffic, and leaves nothing: as root and as an ordinary user. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { netnsNames } from "../support/sandbox.ts";
import { exampleFiles, machine, needsLabs, person, users } from "./person.ts";

for (const user of users) {
  describe(`The examples of labs, as ${user}`, function () {
    this.timeout(180_000);
    before(function () {
      needsLabs(this, user);
    });

    for (const file of exampleFiles) {
      it(`${file} passes its tests, and leaves nothing`, () => {
        using who = person(user);
        const [before, names] = [machine(), netnsNames()];
        const lab = file.replace(".yaml", "");
        const up = who.lab("up", file);
        try {
          assert.equal(up.code, 0, up.err);
          assert.equal(machine(), before);
          assert.equal(who.json("ls")[0].state, "up");
          const { failed, passed, tests } = who.json("test");
          assert.ok(failed === 0 && passed === tests.length && passed > 0, JSON.stringify(tests, null, 1));
          const ping = who.lab("ping");
          assert.equal(ping.code, 0, ping.out + ping.err);
          const check = who.lab("check", file);
          assert.match(check.out, new RegExp(`${lab} is up, and everything is as it was made`), check.err);
        } finally {
          assert.equal(who.lab("down", file).code, 0);
        }
        assert.equal(machine(), before);
        assert.deepEqual(netnsNames(), names);
        assert.equal(existsSync(who.labs), false);
      });
    }
  });
}
