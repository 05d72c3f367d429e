/** `lab apply`: only what the file changed changes. The witnesses are bash, ip, ss, nft, getent, stat and a resolver of Node. */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { findProgram } from "../../scripts/setup/tools.mjs";
import { Conversation, talks } from "./conversation.ts";
import { needsLabs, type Person, person, users } from "./person.ts";

interface Holder {
  readonly name: string;
  readonly pid: number;
  readonly namespace: string;
}

/** The inode of each pod's network namespace, by its process and by its path. */
function namespacesOf(who: Person, ...lab: string[]): Record<string, number> {
  const { hosts, pods, outside } = who.json("inspect", ...lab);
  return Object.fromEntries(
    ([...hosts, ...pods, ...(outside ? [outside] : [])] as Holder[]).map(({ name, pid, namespace }) => {
      const inode = statSync(`/proc/${pid}/ns/net`).ino;
      assert.equal(statSync(namespace).ino, inode, namespace);
      return [name, inode];
    }),
  );
}

const old = `
networks: { front: 10.1.0.0/24, back: 10.2.0.0/24, old: 10.3.0.0/24 }
pods:
  left: { networks: front, run: ${JSON.stringify(talks("right", 99))} }
  right: { networks: front, serve: [tcp:99, udp:5] }
  web: { networks: [front, back], serve: http:80, publish: ["8080:80"] }
  side: { joins: web, run: sleep 1000 }
  ran: { networks: back, run: sleep 1000 }
  gone: { networks: old }
routers: { r1: { networks: front }, r2: {}, r3: {} }
links: [["r1 172.16.0.1/30", "r2 172.16.0.2/30"], ["r2 172.16.1.1/30", "r3 172.16.1.2/30"]]
impair: [{ at: right, rate: 10mbit }, { at: gone, down: true }, { at: r2@r3, down: true }]
tests: [left -> right]
`;

/** A pod comes before all others, so their addresses would move if they were given again. */
const now = `
networks: { front: 10.1.0.0/24, back: { subnets: [10.2.0.0/24], mtu: 1400 }, new: 10.4.0.0/24 }
pods:
  early: { networks: [front, new], serve: http:80, publish: ["9090:80"] }
  left: { networks: front, run: ${JSON.stringify(talks("right", 99))} }
  right: { networks: front, serve: [tcp:99, tcp:98] }
  web: { networks: [front, back], serve: http:80, publish: ["8081:80"] }
  side: { joins: web, run: sleep 1000 }
  ran: { networks: back, run: sleep 1000 }
routers: { r1: { networks: front }, r2: {}, r3: {} }
links: [["r1 172.16.0.1/30", "r2 172.16.0.2/30"], ["r1 172.16.2.1/30", "r3 172.16.2.2/30"]]
impair: [{ at: r1@r3, loss: 100% }]
tests: [left -> right, outside -> host:8081, outside -> host:9090, left -> early:80, early -> right:98]
`;

const change = (change: string, what: string, name: string, ...why: string[]) => ({ what, name, change, why });

const changes = [
  change("removed", "network", "old"),
  change("changed", "network", "back", "mtu: none → 1400"),
  change("added", "network", "new"),
  change("removed", "pod", "gone"),
  change("added", "pod", "early"),
  change("changed", "pod", "right", "serve: tcp:99, udp:5 → tcp:99, tcp:98"),
  change("restarted", "pod", "web", "publish: 8080:80 → 8081:80", "back changes"),
  change("restarted", "pod", "ran", "back changes"),
  change("restarted", "pod", "side", "web, which it joins, restarts"),
  change("removed", "link", "r2@r3"),
  change("added", "link", "r1@r3"),
  ...["right", "gone", "r2@r3"].map((place) => change("removed", "impairment", place)),
  change("added", "impairment", "r1@r3"),
  ...["outside -> host:8081", "outside -> host:9090", "left -> early:80", "early -> right:98"].map((test) =>
    change("added", "test", test),
  ),
];

const restarted = ["web", "side", "ran"];

for (const user of users) {
  describe(`lab apply, as ${user},`, function () {
    this.timeout(120_000);
    let who: Person;
    let up: Disposable;
    const file = "live.yaml";
    before(function () {
      needsLabs(this, user);
      who = person(user);
      up = who.up(who.file(file, old));
    });
    after(() => {
      up?.[Symbol.dispose]();
      who?.[Symbol.dispose]();
    });
    const text = (pod: string, ...words: string[]) => who.inside(pod, ...words).out.trim();
    const addresses = (pod: string) => text(pod, "ip", "-o", "-4", "address", "show", "scope", "global");

    it("--dry-run shows what the file changes, and changes nothing", () => {
      const found = namespacesOf(who);
      who.file(file, now);
      assert.deepEqual(who.json("apply", file, "--dry-run").changes, changes);
      const { out } = who.lab("apply", file, "--dry-run");
      assert.match(out, /^restarted +pod +web +publish: 8080:80 → 8081:80; back changes$/m);
      assert.match(out, /\nNothing was changed\.\n$/);
      assert.deepEqual(namespacesOf(who), found);
      assert.match(who.lab("up", file).err, /changed since\n {2}Use apply/);
    });

    it("changes that alone: a connection goes on, pods that do not change are the same, and keep their addresses", () => {
      const conversation = new Conversation(who, "left");
      const [namespaces, address] = [namespacesOf(who), addresses("left")];
      const ofWeb = addresses("web");
      const applied = who.json("apply", file);
      assert.deepEqual(applied.changes, changes);
      conversation.assertGoesOn();
      const found = namespacesOf(who);
      for (const name of ["left", "right", "r1", "r2", "r3", "host", "outside"])
        assert.equal(found[name], namespaces[name], name);
      for (const name of restarted) assert.notEqual(found[name], namespaces[name], name);
      assert.deepEqual(
        Object.keys(found).sort(),
        ["early", "host", "left", "outside", "r1", "r2", "r3", "ran", "right", "side", "web"].sort(),
      );
      assert.equal(found["side"], found["web"]);
      assert.equal(addresses("left"), address);
      assert.equal(addresses("web").replace(/^\d+: /gm, ""), ofWeb.replace(/^\d+: /gm, ""));
    });

    it("makes what the file says: ports, servers, networks, links, impairments", () => {
      const { failed, tests } = who.json("test");
      assert.equal(failed, 0, JSON.stringify(tests, null, 1));
      const check = who.lab("check", file);
      assert.equal(check.code, 0, check.out);
      assert.match(text("ran", "ip", "link", "show", "eth0"), /mtu 1400/);
      assert.equal(who.inside("host", "ip", "link", "show", "old").code, 1);
      assert.match(text("host", "ip", "-br", "address", "show", "new"), /10\.4\.0\.1\/24/);
      assert.equal(who.inside("r2", "ip", "link", "show", "r3").code, 1);
      assert.match(text("r3", "ip", "-br", "address", "show", "r1"), /172\.16\.2\.2\/30/);
      assert.equal(who.inside("r1", "ping", "-c1", "-W1", "172.16.2.2").code, 1); // its impairment
      assert.equal(who.inside("r1", "ping", "-c1", "-W3", "172.16.0.2").code, 0);
      assert.doesNotMatch(text("right", "tc", "qdisc"), /tbf|netem/);
      const knock = (pod: string, place: string) => who.inside(pod, "bash", "-c", `exec 3<>/dev/tcp/${place}`).code;
      assert.notEqual(knock("outside", "203.0.113.2/8080"), 0);
      assert.equal(knock("outside", "203.0.113.2/8081"), 0);
    });

    it("gives running pods the new names, in /etc/hosts and by DNS", () => {
      assert.match(text("left", "getent", "hosts", "early"), /^10\.1\.0\.\d+ /);
      assert.equal(who.inside("left", "getent", "hosts", "gone").code, 2);
      assert.match(text("host", "getent", "hosts", "early"), /^10\.1\.0\.\d+ /);
      const resolver = `
        const { Resolver } = require("node:dns").promises;
        const resolver = new Resolver();
        resolver.setServers(["127.0.0.53"]);
        const ask = (name) => resolver.resolve4(name).catch((error) => error.code);
        Promise.all(["early", "gone"].map(ask)).then((answers) => console.log(JSON.stringify(answers)));`;
      const [early, gone] = JSON.parse(text("left", findProgram("node")!, "-e", resolver));
      assert.equal(text("early", "ip", "-br", "-4", "address", "show", "eth0").includes(`${early}/24`), true);
      assert.equal(gone, "ENOTFOUND");
    });

    it("leaves a lab that is up as this file says", () => {
      assert.match(who.lab("up", file).out, /live is up already/);
      assert.equal(who.json("ls")[0].pods, 9);
      assert.deepEqual(who.json("apply", file).changes, []);
      const found = namespacesOf(who);
      who.file(file, `${now}# a comment is no change\n`);
      assert.match(who.lab("apply", file).out, /^live is as the file says\n$/);
      assert.match(who.lab("up", file).out, /live is up already/);
      assert.deepEqual(namespacesOf(who), found);
    });

    if (user !== "root") return; // what follows is the same code

    it("moves a pod whose address the file gives to another one, and says so", () => {
      const conversation = new Conversation(who, "left");
      const address = /10\.1\.0\.\d+/.exec(addresses("web"))![0];
      const reaches = () => who.inside("left", "ping", "-c1", "-W1", address).code === 0;
      assert.ok(reaches()); // left knows the hardware address of web now
      who.file(file, now.replace("pods:\n", `pods:\n  owner: { networks: { front: ${address} } }\n`));
      const { changes } = who.json("apply", file);
      assert.deepEqual(
        changes.map(({ name, change }: { name: string; change: string }) => `${name} ${change}`),
        ["owner added", "web restarted", "side restarted"],
      );
      assert.match(changes[1].why.join("; "), new RegExp(`${address} is now owner's`));
      assert.ok(addresses("owner").includes(`${address}/24`));
      assert.ok(!addresses("web").includes(`${address}/24`));
      assert.ok(reaches());
      conversation.assertGoesOn();
      assert.equal(who.lab("check", file).code, 0);
    });

    it("undoes everything when one part fails: removed pods are back, and what it made is gone", () => {
      const conversation = new Conversation(who, "left");
      const state = () => ({
        pods: who
          .json("inspect")
          .pods.map(({ name, interfaces, publishes, serves }: Record<string, unknown>) => [
            name,
            interfaces,
            publishes,
            serves,
          ]),
        ofRouter: text("r1", "ip", "-br", "address").replace(/@\S+/g, ""),
        ofHost: text("host", "nft", "list", "ruleset"),
      });
      const found = state();
      const namespaces = namespacesOf(who);
      const address = /10\.1\.0\.\d+/.exec(addresses("owner"))![0];
      const good = now.replace("pods:\n", `pods:\n  owner: { networks: { front: ${address} } }\n`);
      const broken = good
        .replace("  side: {", "  bad: { networks: new, run: 'echo oh no; exit 3' }\n  side: {")
        .replace('publish: ["8081:80"]', 'publish: ["8082:80"]')
        .replace("  ran: { networks: back, run: sleep 1000 }\n", "")
        .replace(", r3: {}", "")
        .replace(', ["r1 172.16.2.1/30", "r3 172.16.2.2/30"]', "")
        .replace("at: r1@r3", "at: r1@r2");
      who.file(file, broken);
      const { code, err } = who.lab("apply", file);
      assert.equal(code, 1);
      assert.match(err, /run of bad ended with exit code 3:\n {2}oh no\n {2}The lab is as it was before\n/);
      assert.deepEqual(state(), found);
      conversation.assertGoesOn();
      const after = namespacesOf(who);
      for (const name of ["left", "right", "owner", "early", "r1", "r2"])
        assert.equal(after[name], namespaces[name], name);
      assert.deepEqual(Object.keys(after), Object.keys(namespaces));
      assert.equal(who.json("status").pods.find(({ name }: { name: string }) => name === "ran").run.state, "running");
      // The lab is what the file before said.
      who.file(file, broken.replace("run: 'echo oh no; exit 3'", "config: 1"));
      assert.match(who.lab("apply", file).err, /^live\.yaml:\d+:\d+: /);
      who.file(file, good);
      const check = who.lab("check", file);
      assert.equal(check.code, 0, check.out);
      assert.match(who.lab("up", file).out, /up already/);
    });
  });
}

const threeHosts = `
hosts: { n1: 192.168.50.1, n2: 192.168.50.2, n3: 192.168.50.3 }
networks: { pods: 10.50.0.0/16, more: 10.60.0.0/16 }
pods:
  left: { networks: pods, host: n1, run: ${JSON.stringify(talks("right", 99))} }
  right: { networks: pods, host: n2, serve: tcp:99 }
  third: { networks: pods, host: n3, serve: http:80 }
tests: [left -> http://third/]
`;

describe("lab apply on several hosts", function () {
  this.timeout(60_000);
  let who: Person;
  let up: Disposable;
  const file = "hosts.yaml";
  before(function () {
    needsLabs(this, "root");
    who = person("root");
    up = who.up(who.file(file, threeHosts));
  });
  after(() => {
    up?.[Symbol.dispose]();
    who?.[Symbol.dispose]();
  });
  /** Applies a file, and answers its changes in short. */
  const applied = (text: string): string[] => {
    who.file(file, text);
    const { changes } = who.json("apply", file);
    const { failed, tests } = who.json("test");
    assert.equal(failed, 0, JSON.stringify(tests, null, 1));
    const check = who.lab("check", file);
    assert.equal(check.code, 0, check.out);
    return changes.map(({ change, what, name }: Record<string, string>) => `${change} ${what} ${name}`);
  };
  const routes = (host: string) => who.inside(host, "ip", "route").out;

  it("adds the part of a network on a host to the routes of the others, and takes it away again", () => {
    const conversation = new Conversation(who, "left");
    const added = threeHosts.replace(
      "tests: [",
      "  new: { networks: more, host: n3, serve: http:80 }\ntests: [left -> http://new/, ",
    );
    assert.deepEqual(applied(added), ["added pod new", "added test left -> http://new/"]);
    assert.match(routes("n1"), /^10\.60\.128\.0\/18 via 192\.168\.50\.3 dev vxlan0/m);
    applied(threeHosts);
    assert.doesNotMatch(routes("n1"), /10\.60/);
    assert.equal(who.lab("restart", "third").code, 0);
    assert.equal(who.json("test").failed, 0);
    conversation.assertGoesOn();
  });

  it("moves a pod to another host, and changes a host, without the pods of the others", () => {
    const conversation = new Conversation(who, "left");
    assert.deepEqual(applied(threeHosts.replace("host: n3", "host: n2")), ["restarted pod third"]);
    assert.deepEqual(applied(threeHosts), ["restarted pod third"]);
    const changed = threeHosts.replace("192.168.50.3", "192.168.50.33");
    assert.deepEqual(applied(changed), ["restarted host n3", "restarted pod third"]);
    assert.match(routes("n1"), /via 192\.168\.50\.33 dev vxlan0/);
    assert.doesNotMatch(routes("n1"), /192\.168\.50\.3 /);
    conversation.assertGoesOn();
  });

  it("starts all hosts and pods again when packets cross in another way, and refuses one host for several", () => {
    const before = namespacesOf(who);
    applied(`across: routes\n${threeHosts}`);
    const found = namespacesOf(who);
    for (const name of ["n1", "n2", "n3", "left", "right", "third"]) assert.notEqual(found[name], before[name], name);
    assert.match(routes("n1"), /^10\.50\.64\.0\/18 via 192\.168\.50\.2 dev eth0/m);
    who.file(file, threeHosts.replace(/^hosts.*$/m, "").replace(/, host: n./g, ""));
    const { code, err } = who.lab("apply", file);
    assert.equal(code, 1);
    assert.match(err, /changes between one host and several\n {2}Begin again/);
    assert.deepEqual(namespacesOf(who), found);
  });
});
