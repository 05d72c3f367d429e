/** The inside of a lab. The witnesses are ip, ps, hostname, getent, ping and a resolver of another program. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { findProgram } from "../../scripts/setup/tools.mjs";
import { run } from "../support/sandbox.ts";
import { needsLabs, type Person, person, users } from "./person.ts";

const file = `
networks:
  front: 10.1.0.0/24
  back: { subnets: [10.2.0.0/24, "fd02::/64"] }
  deep: { subnets: [10.3.0.0/24], gateway: false }
pods:
  web:
    networks: [front]
    hostname: shop
    serve: http:80
    env: { COLOUR: blue }
    sysctls: { net.ipv4.ip_default_ttl: 32 }
    routes: { 10.77.0.0/16: 10.1.0.3 }
    run: 'echo in $COLOUR; trap "exit 7" TERM; while sleep 0.3; do :; done'
  api: { networks: { back: [10.2.0.5, "fd02::5"], front: } }
  log: { joins: web, run: "hostname; exit 0" }
  quiet: { networks: deep, dns: false, routes: { default: 10.3.0.9 } }
`;

for (const user of users) {
  describe(`Inside of a lab, as ${user}`, function () {
    this.timeout(60_000);
    let who: Person;
    let up: Disposable;
    before(function () {
      needsLabs(this, user);
      who = person(user);
      up = who.up(who.file("inside.yaml", file));
    });
    after(() => {
      up?.[Symbol.dispose]();
      who?.[Symbol.dispose]();
    });
    const exec = (pod: string, ...words: string[]) => who.lab("exec", pod, "--", ...words);
    const inside = (pod: string, ...words: string[]) => who.inside(pod, ...words);
    const text = (pod: string, ...words: string[]) => inside(pod, ...words).out.trim();

    it("a pod has a hostname, processes, files and an environment of its own", () => {
      assert.equal(exec("web", "hostname").out, "shop\n");
      assert.notEqual(run(["hostname"]).trim(), "shop");
      const processes = text("web", "ps", "-A", "-o", "comm=").split("\n");
      assert.ok(processes.includes("init") && processes.includes("sh") && processes.length <= 5, processes.join());
      assert.equal(exec("web", "sh", "-c", "echo $COLOUR").out, "blue\n");
      assert.equal(text("web", "cat", "/proc/sys/net/ipv4/ip_default_ttl"), "32");
      assert.match(text("web", "cat", "/etc/hosts"), /^10\.1\.0\.3 api api\.front$/m);
      assert.doesNotMatch(readFileSync("/etc/hosts", "utf8"), /10\.1\.0\.3/);
    });

    it("containers of one pod share network and hostname, and have processes of their own", () => {
      assert.match(text("log", "ip", "-4", "-br", "address", "show", "eth0"), /10\.1\.0\.2\/24/);
      assert.equal(text("log", "hostname"), "shop");
      const inode = (pod: string, kind: string) => text(pod, "readlink", `/proc/1/ns/${kind}`);
      for (const kind of ["net", "uts"]) assert.equal(inode("log", kind), inode("web", kind));
      for (const kind of ["pid", "mnt"]) assert.notEqual(inode("log", kind), inode("web", kind));
    });

    it("has the routes of the file, and a default route through the first gateway", () => {
      assert.match(text("web", "ip", "route"), /^default via 10\.1\.0\.1 dev eth0/m);
      assert.match(text("web", "ip", "route"), /^10\.77\.0\.0\/16 via 10\.1\.0\.3 dev eth0/m);
      assert.match(text("api", "ip", "route"), /^default via 10\.2\.0\.1 dev eth0/m);
      assert.match(text("api", "ip", "-6", "route"), /^default via fd02::1 dev eth0/m);
      assert.equal(text("api", "ip", "-o", "-4", "route", "show", "default").split("\n").length, 1);
      assert.match(text("quiet", "ip", "route"), /^default via 10\.3\.0\.9 dev eth0/m);
    });

    it("resolves names by the hosts file: an address on a shared network first, and of each network", () => {
      assert.match(text("web", "getent", "ahostsv4", "api"), /^10\.1\.0\.3/);
      assert.match(text("web", "getent", "ahostsv4", "api.back"), /^10\.2\.0\.5/);
      assert.match(text("api", "getent", "ahostsv6", "api.back"), /^fd02::5/);
      assert.match(text("web", "getent", "hosts", "host"), /^10\.1\.0\.1/);
      assert.match(text("web", "getent", "hosts", "outside"), /^203\.0\.113\.1/);
    });

    it("resolves the same names by DNS, and refuses unknown ones within a second", () => {
      const resolver = `
        const { Resolver } = require("node:dns").promises;
        const resolver = new Resolver();
        resolver.setServers(["127.0.0.53"]);
        const ask = (kind, name) => resolver.resolve(name, kind).catch((error) => error.code);
        (async () => {
          const startMs = Date.now();
          const answers = [await ask("A", "api"), await ask("A", "API.back"), await ask("AAAA", "api"),
            await ask("PTR", "3.0.1.10.in-addr.arpa"), await ask("A", "nothing.example")];
          console.log(JSON.stringify({ answers, ms: Date.now() - startMs }));
        })();`;
      const { out, err } = inside("web", findProgram("node")!, "-e", resolver);
      assert.notEqual(out, "", err);
      const { answers, ms } = JSON.parse(out);
      assert.deepEqual(answers, [["10.1.0.3"], ["10.2.0.5"], "ENODATA", ["api"], "ENOTFOUND"]);
      assert.ok(ms < 1000, String(ms));
      const startMs = performance.now();
      for (const pod of ["web", "quiet"]) assert.equal(inside(pod, "getent", "hosts", "nothing.example").code, 2);
      assert.ok(performance.now() - startMs < 2000);
      assert.equal(text("quiet", "sh", "-c", "grep -c nameserver /etc/resolv.conf"), "0");
    });

    it("exec exits as the command does, and finds the pod that was meant", () => {
      assert.equal(exec("web", "sh", "-c", "exit 7").code, 7);
      const missing = exec("web", "no-such-program");
      assert.equal(missing.code, 127);
      assert.match(
        missing.err,
        /Cannot find the command "no-such-program" in web\n {2}Its files are those of this machine/,
      );
      const { code, err } = exec("wbe", "true");
      assert.equal(code, 1);
      assert.match(err, /The lab inside has no pod wbe\n {2}Did you mean web\?/);
    });

    it("has settings of its own: pods forward nothing, take no redirects, and bridged packets pass no rules of the host", () => {
      const of = (pod: string, path: string) => text(pod, "cat", `/proc/sys/${path}`);
      assert.equal(of("web", "net/ipv4/ip_forward"), "0");
      assert.equal(of("web", "net/ipv4/conf/all/rp_filter"), "0");
      for (const link of ["all", "default", "eth0"])
        for (const name of ["ipv4/conf/LINK/accept_", "ipv4/conf/LINK/send_", "ipv6/conf/LINK/accept_"])
          assert.equal(of("web", `net/${name.replace("LINK", link)}redirects`), "0", `${name} ${link}`);
      assert.equal(of("host", "net/ipv4/ip_forward"), "1");
      const filter = of("host", "net/bridge/bridge-nf-call-iptables");
      assert.ok(filter === "0" || filter === "", filter);
    });

    it("shows logs and how commands end", async () => {
      assert.match(who.lab("logs", "web").out, /^in blue\n/);
      assert.equal(who.lab("logs", "log").out, "shop\n");
      const none = who.lab("logs", "api");
      assert.equal(none.code, 1);
      assert.match(none.err, /api has no command/);
      const runOf = (pod: string) => who.json("status").pods.find((one: { name: string }) => one.name === pod).run;
      assert.deepEqual(runOf("web"), { state: "running", exitCode: null });
      assert.deepEqual(runOf("log"), { state: "done", exitCode: 0 });
      assert.equal(runOf("api"), null);
      const follower = Bun.spawn(who.line("lab", "logs", "web", "-f"), { cwd: who.folder, env: who.environment });
      inside("web", "sh", "-c", "kill -TERM $(pgrep -f 'trap' | head -1)");
      assert.match(await new Response(follower.stdout).text(), /^in blue\n/); // it ends with the command
      assert.equal(await follower.exited, 0);
      assert.deepEqual(runOf("web"), { state: "failed", exitCode: 7 });
      const { code, out } = who.lab("status");
      assert.equal(code, 1);
      assert.match(out, /^web .*failed \(7\)/m);
    });

    it("inspect names namespaces by path, process and inode, and interfaces with both ends", () => {
      const { lab, hosts, pods } = who.json("inspect");
      assert.equal(lab, "inside");
      assert.deepEqual(Object.keys(pods[0]).sort(), [
        "host",
        "inode",
        "interfaces",
        "joins",
        "name",
        "namespace",
        "pid",
        "publishes",
        "serves",
      ]);
      for (const { name, namespace, pid, inode } of [...hosts, ...pods]) {
        assert.equal(run(["stat", "-L", "-c", "%i", namespace]).trim(), String(inode), name);
        assert.equal(run(["readlink", `/proc/${pid}/ns/net`]).trim(), `net:[${inode}]`);
      }
      const [web] = pods;
      const [{ name, network, addresses, mac, hostLink }] = web.interfaces;
      assert.deepEqual([name, network, addresses], ["eth0", "front", ["10.1.0.2/24"]]);
      const [link] = JSON.parse(text("web", "ip", "-j", "link", "show", "eth0"));
      assert.equal(link.address, mac);
      const [end] = JSON.parse(text("host", "ip", "-j", "link", "show", hostLink));
      assert.equal(end.master, "front");
      assert.deepEqual([web.publishes, web.serves], [[], ["http:80"]]);
      assert.match(who.lab("inspect").out, new RegExp(`^web {2}pid ${web.pid} {2}net:\\[${web.inode}\\]`, "m"));
    });

    it("can be entered by nsenter alone", () => {
      const [web] = who.json("inspect").pods;
      const [words] = who.lab("inspect").out.match(new RegExp(`nsenter --target ${web.pid} .*`))!;
      const asWho = who.line().slice(0, -1);
      assert.equal(run([...asWho, ...words.split(" "), "hostname"]), "shop\n");
      if (user === "root")
        assert.match(run(["ip", "netns", "exec", "inside-web", "ip", "-br", "address"]), /10\.1\.0\.2/);
    });

    it("ls, inspect, check and ports look at the lab with --lab", () => {
      assert.match(who.nsNet("ls", "--lab", "inside").out, /^web +front +eth0 +10\.1\.0\.2 /m);
      assert.match(who.nsNet("inspect", "web", "--lab", "inside").out, /^eth0 +10\.1\.0\.2\/24 on front/m);
      assert.match(who.nsNet("check", "--lab", "inside").out, /all as add made them/);
      assert.match(who.nsNet("ls", "--lab", "other").err, /There is no lab other/);
    });

    it("the addresses stay the same when the lab is brought up again", () => {
      const shown = () =>
        who
          .json("inspect")
          .pods.map(({ interfaces }: { interfaces: object[] }) =>
            interfaces.map((one) => ({ ...one, hostLink: undefined })),
          );
      const before = shown();
      up[Symbol.dispose]();
      up = who.up("inside.yaml");
      assert.deepEqual(shown(), before);
    });
  });
}
