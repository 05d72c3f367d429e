/** `explain` in labs: between pods, and why a test of the lab's file failed. */
import assert from "node:assert/strict";
import { needsLabs, type Person, person, users } from "./person.ts";

const file = `
networks:
  front: 10.1.0.0/24
  back: { subnets: [10.2.0.0/24, "fd02::/64"] }
pods:
  web: { networks: front, serve: http:80 }
  api: { networks: [front, back] }
  db: { networks: back, serve: tcp:5432 }
tests:
  - api -> web:80
  - web -> db:5432
  - api -> db:5433
`;

for (const user of users) {
  describe(`Explained in a lab, as ${user}`, function () {
    this.timeout(60_000);
    let who: Person;
    let up: Disposable;
    before(function () {
      needsLabs(this, user);
      who = person(user);
      up = who.up(who.file("explained.yaml", file));
    });
    after(() => {
      up?.[Symbol.dispose]();
      who?.[Symbol.dispose]();
    });

    it("lab test says where the packets of a failed test end", () => {
      const { code, out } = who.lab("test");
      assert.equal(code, 1);
      assert.match(out, /2 passed, 1 failed\n\nns-net explain api 10\.2\.0\.\d+:5433\/tcp --lab explained\n/);
      assert.match(out, /blocked: no program listens on tcp port 5433 \(not-listening, namespace db\)\n$/);
    });

    it("lab test says what a person broke", () => {
      assert.equal(who.lab("exec", "web", "--", "ip", "route", "del", "default").code, 0);
      const { out } = who.lab("test");
      assert.equal(who.lab("exec", "web", "--", "ip", "route", "add", "default", "via", "10.1.0.1").code, 0);
      assert.match(out, /blocked: there is no route to 10\.2\.0\.\d+ from 10\.1\.0\.\d+ \(no-route, namespace web\)/);
    });
  });
}
