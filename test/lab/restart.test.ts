/** `lab restart`: a pod comes back as it was, in namespaces of its own again. The witnesses are ip, nft, bash, ping and stat. */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { Conversation, talks } from "./conversation.ts";
import { needsLabs, type Person, person, users } from "./person.ts";

const file = `
networks: { front: 10.1.0.0/24, back: [10.2.0.0/24, "fd02::/64"] }
pods:
  left: { networks: front, run: ${JSON.stringify(talks("right", 99))} }
  right: { networks: front, serve: tcp:99 }
  web:
    networks: [front, back]
    serve: [http:80, udp:5]
    publish: ["8080:80"]
    routes: { 10.77.0.0/16: 10.1.0.3, 10.78.0.0/16: 172.16.0.2 }
    sysctls: { net.ipv4.ip_default_ttl: 32 }
    run: 'echo started; sleep 1000'
  side: { joins: web, run: "hostname; sleep 1000" }
  once: { networks: front, run: "mkdir FOLDER/once" }
routers: { r1: {} }
links: [["web 172.16.0.1/30", "r1 172.16.0.2/30"]]
impair: [{ at: web@front, loss: 1%, direction: out }]
tests:
  - outside -> host:8080
  - left -> http://web/
  - left -> web:5/udp
  - r1 -> 172.16.0.1
  - web -> r1
`;

for (const user of users) {
  describe(`lab restart, as ${user},`, function () {
    this.timeout(60_000);
    let who: Person;
    let up: Disposable;
    before(function () {
      needsLabs(this, user);
      who = person(user);
      up = who.up(who.file("again.yaml", file.replace("FOLDER", join(who.folder, "run"))));
    });
    after(() => {
      up?.[Symbol.dispose]();
      who?.[Symbol.dispose]();
    });
    const text = (pod: string, ...words: string[]) => who.inside(pod, ...words).out.trim();
    const podsOf = (...names: string[]) => {
      const { pods } = who.json("inspect");
      return names.map((name) => pods.find((one: { name: string }) => one.name === name));
    };
    const podOf = (name: string) => podsOf(name)[0];

    it("ends all processes of a pod and of those that join it, and gives them new namespaces", () => {
      const [web, side, r1] = podsOf("web", "side", "r1");
      assert.deepEqual(who.json("restart", "web").restarted, ["web", "side"]);
      for (const { pid } of [web, side]) assert.throws(() => process.kill(pid, 0), /ESRCH/);
      const [newWeb, newSide, newR1] = podsOf("web", "side", "r1");
      assert.notEqual(newWeb.inode, web.inode);
      assert.equal(newSide.inode, newWeb.inode);
      assert.equal(newR1.inode, r1.inode);
      for (const { namespace, pid, inode } of [newWeb, newSide]) {
        assert.equal(statSync(namespace).ino, inode);
        assert.equal(statSync(`/proc/${pid}/ns/net`).ino, inode);
      }
    });

    it("keeps addresses, hardware addresses, routes, settings, impairments and names; commands start again", () => {
      const seen = () => ({
        links: text("web", "ip", "-br", "link").replace(/@\S+/g, ""),
        addresses: text("web", "ip", "-br", "address").replace(/@\S+/g, ""),
        routes: text("web", "ip", "route"),
        routesOfRouter: text("r1", "ip", "route"),
        ttl: text("web", "cat", "/proc/sys/net/ipv4/ip_default_ttl"),
        impairments: `${text("web", "nft", "list", "ruleset")} ${text("web", "tc", "qdisc", "show", "dev", "eth0")}`,
        byHand: text("r1", "tc", "qdisc", "show", "dev", "web"),
        hosts: text("left", "getent", "hosts", "web"),
        logs: who.lab("logs", "web").out,
      });
      assert.equal(who.lab("impair", "r1", "--rate", "5mbit", "--direction", "out").code, 0);
      const found = seen();
      assert.match(found.impairments, /loss/);
      assert.match(found.byHand, /rate 5Mbit/);
      assert.match(found.routes, /10\.78\.0\.0\/16 via 172\.16\.0\.2 dev r1/);
      assert.equal(found.logs, "started\n");
      assert.match(who.lab("restart", "web").out, /^restarted in \d+ ms: web, side\n$/);
      assert.deepEqual(seen(), found);
      assert.equal(who.lab("logs", "side").out, "web\n");
      const { failed, tests } = who.json("test");
      assert.equal(failed, 0, JSON.stringify(tests, null, 1));
      const check = who.lab("check", "again.yaml");
      assert.equal(check.code, 0, check.out);
      assert.match(who.lab("up", "again.yaml").out, /up already/);
    });

    if (user !== "root") return; // what follows is the same code

    it("keeps an interface down", () => {
      assert.equal(who.lab("impair", "web@back", "--down").code, 0);
      assert.equal(who.lab("restart", "web").code, 0);
      assert.match(text("web", "ip", "link", "show", "eth1"), /NO-CARRIER/);
      assert.equal(who.lab("check", "again.yaml").code, 0);
      assert.equal(who.lab("impair", "web@back", "--up").code, 0);
      assert.doesNotMatch(text("web", "ip", "link", "show", "eth1"), /NO-CARRIER/);
    });

    it("leaves the connections of other pods alone", () => {
      const conversation = new Conversation(who, "left");
      for (const pod of ["web", "r1", "outside"]) assert.equal(who.lab("restart", pod).code, 0, pod);
      conversation.assertGoesOn();
      assert.equal(who.json("test").failed, 0);
      assert.equal(who.lab("check", "again.yaml").code, 0);
    });

    it("fails when its command fails at once, and the pod runs all the same", () => {
      const { inode } = podOf("once");
      const { code, err } = who.lab("restart", "once");
      assert.equal(code, 1);
      assert.match(err, /run of once ended with exit code 1:\n {2}mkdir: .*exists/);
      assert.notEqual(podOf("once").inode, inode);
      assert.match(who.lab("status").out, /^once .*failed \(1\)/m);
      assert.equal(who.lab("check", "again.yaml").code, 0);
    });

    it("brings a dead pod back, and finds the pod that was meant", () => {
      process.kill(podOf("web").pid, "SIGKILL");
      assert.equal(who.lab("restart", "web").code, 0);
      assert.equal(who.lab("check", "again.yaml").code, 0);
      const { code, err } = who.lab("restart", "wbe");
      assert.deepEqual([code, err.includes("Did you mean web?")], [1, true]);
    });
  });
}
