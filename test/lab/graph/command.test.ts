/** `ns-net lab graph`: which lab it draws, and what it shows of one that is up. */
import assert from "node:assert/strict";
import { needsLabs, type Person, person, users } from "../person.ts";

const file = `
name: drawn
networks: { front: 10.1.0.0/24, back: 10.2.0.0/24 }
pods:
  web: { networks: front, serve: http:80, publish: ["8080:80"] }
  api: { networks: [front, back] }
  db: { networks: back, run: "sleep 0.3; exit 3" }
tests: [ api -> http://web/, web -> db:1, outside -> host:8080 ]
`;

for (const user of users) {
  describe(`lab graph, as ${user}`, function () {
    this.timeout(60_000);
    let who: Person;
    before(function () {
      needsLabs(this, user);
      who = person(user);
    });
    after(() => who?.[Symbol.dispose]());

    const drawn = (...words: string[]) => {
      const { code, out, err } = who.lab("graph", ...words);
      assert.equal(code, 0, err);
      return out;
    };
    const classOf = (svg: string, pod: string) => new RegExp(`<g id="pod_${pod}" class="([^"]*)"`).exec(svg)?.[1];

    it("draws the file of a lab that is down, as Mermaid without a format", () => {
      who.file("lab.yaml", file);
      assert.match(drawn("--svg"), /3 pods · as in the file/);
      assert.match(drawn("shop.yaml", "--dot"), /^graph "shop" \{/);
      assert.match(drawn("--mermaid"), /^flowchart TB\n/);
      assert.equal(drawn(), drawn("--mermaid"));
      for (const words of [
        ["--svg", "--dot"],
        ["shop.yaml", "--lab", "shop", "--svg"],
      ])
        assert.equal(who.lab("graph", ...words).code, 2, words.join(" "));
      assert.match(who.lab("graph", "--lab", "shop", "--svg").err, /no lab shop/);
      who.file("wrong.yaml", "pods: { a: { networks: nowhere } }\n");
      const { code, err } = who.lab("graph", "wrong.yaml", "--svg");
      assert.equal(code, 1);
      assert.match(err, /^wrong\.yaml:1:24: /);
    });

    it("shows a lab that is up as it is now: tests, impairments, what is down or dead", async () => {
      using _ = who.up("lab.yaml");
      const before = drawn("--svg");
      assert.match(before, /3 pods · up/);
      assert.equal(classOf(before, "web"), "pod untested");
      assert.equal(who.lab("test").code, 1);
      assert.equal(who.lab("impair", "api@back", "--loss", "10%").code, 0);
      // By hand, where no command of ours sees it.
      assert.equal(who.lab("exec", "web", "ip", "link", "set", "eth0", "down").code, 0);
      const [db] = who.json("inspect").pods.filter(({ name }: { name: string }) => name === "db");
      process.kill(db.pid, "SIGKILL");
      await dead(who);
      who.file("lab.yaml", `${file}# changed\n`);
      const after = drawn("lab.yaml", "--svg");
      assert.equal(classOf(after, "api"), "pod passed");
      assert.equal(classOf(after, "web"), "pod failed");
      assert.equal(classOf(after, "db"), "pod failed dead");
      assert.match(after, /class="line attachment is-down" data-edge="pod_web-eth0"/);
      assert.match(after, />loss 10%</);
      assert.match(drawn("--lab", "drawn", "--mermaid"), /class pod_db dead/);
      assert.match(drawn("--html"), /web -&gt; db:1.*expected reachable, found unreachable/s);
    });

    it("draws the only lab that is up if this folder has no lab.yaml", () => {
      using other = person(user);
      using _ = other.up("two-pods.yaml");
      assert.match(other.lab("graph", "--svg").out, /2 pods · up/);
    });
  });
}

/** The supervisor sees the end of a pod's first process a moment later. */
async function dead(who: Person): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (who.json("status").pods.some(({ alive }: { alive: boolean }) => !alive)) return;
    await Bun.sleep(20);
  }
  assert.fail("no pod is dead");
}
