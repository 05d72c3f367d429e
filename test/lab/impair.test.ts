/** Impairments of a running lab. The witnesses are ping, tc, nft and the time that a transfer takes. */
import assert from "node:assert/strict";
import { needs, needsLack } from "../support/needs.ts";
import { skip } from "../support/skip.ts";
import { needsLabs, type Person, person, users } from "./person.ts";

const file = `
networks: { front: 10.1.0.0/24, back: [10.2.0.0/24, "fd02::/64"] }
pods:
  web: { networks: [front, back] }
  client: { networks: front }
  db: { networks: back }
routers: { r1: {}, r2: {} }
links: [["r1 172.16.0.1/30 fd16::1/64", "r2 172.16.0.2/30 fd16::2/64"]]
impair:
  - { at: db@back, loss: 100%, direction: out }
  - { at: client, rate: 1mbit, direction: in }
outside: none
tests: []
`;

for (const user of users) {
  describe(`Impairments, as ${user}`, function () {
    this.timeout(60_000);
    let who: Person;
    let up: Disposable;
    before(function () {
      needsLabs(this, user);
      needs(this, "tbf");
      who = person(user);
      up = who.up(who.file("impaired.yaml", file));
    });
    after(() => {
      up?.[Symbol.dispose]();
      who?.[Symbol.dispose]();
    });
    const impair = (...words: string[]) => {
      const { code, err } = who.lab("impair", ...words);
      assert.equal(code, 0, err);
    };
    const text = (pod: string, ...words: string[]) => who.inside(pod, ...words).out;
    /** The share of pings without an answer, in percent. */
    const lost = (pod: string, to: string, count = 200) => {
      const said = text(pod, "ping", "-q", "-c", String(count), "-i", "0.002", "-W", "1", to);
      return Number(/([\d.]+)% packet loss/.exec(said)?.[1]);
    };
    /** The qdiscs and rules inside: with netem other ones than without. */
    const settings = (pod: string) => text(pod, "sh", "-c", "tc qdisc; nft list ruleset");
    const pinged = (pod: string, to: string, seconds: number) =>
      text(pod, "ping", "-q", "-c", "1", "-W", String(seconds), to).includes(" 0% packet loss");
    const reaches = (pod: string, to: string) => pinged(pod, to, 3);
    const isCutOff = (pod: string, from: string) => !pinged(pod, from, 1);
    /** Bits per second that pass from web to client. At most 5.7 million are sent; ping waits where they do not pass. */
    const rate = () => {
      const [count, bytes] = [300, 1414];
      const said = text("web", "ping", "-q", "-c", String(count), "-i", "0.002", "-s", String(bytes - 42), "client");
      return (count * bytes * 8 * 1000) / Number(/time (\d+)ms/.exec(said)?.[1]);
    };

    it("loses all packets in one direction, as the file says", () => {
      assert.ok(isCutOff("web", "10.2.0.3"));
      assert.match(settings("db"), /numgen random mod 10000 <= 9999 drop|netem .*loss 100%/);
    });

    it("is undone by --clear, which leaves no rule, table or qdisc", () => {
      impair("db", "--clear");
      assert.equal(reaches("web", "10.2.0.3"), true);
      assert.equal(text("db", "nft", "list", "ruleset"), "");
      impair("db@back", "--rate", "1mbit");
      assert.match(settings("db"), /(tbf|netem) .*rate 1Mbit/);
      impair("db", "--clear");
      assert.doesNotMatch(settings("db"), /tbf|netem/);
      assert.equal(who.lab("check", "impaired.yaml").code, 0);
    });

    it("loses a share of the packets", () => {
      impair("db", "--loss", "30%", "--direction", "in");
      const share = lost("web", "10.2.0.3", 400);
      assert.ok(share > 20 && share < 40, String(share));
      impair("db", "--clear");
      assert.equal(lost("web", "10.2.0.3"), 0);
    });

    it("keeps settings that are not named", () => {
      impair("web@front", "--rate", "3mbit");
      impair("web@front", "--loss", "1%");
      assert.match(settings("web"), /dev eth0 .*rate 3Mbit/);
      assert.match(settings("web"), /oifname "eth0"|loss 1%/);
      assert.doesNotMatch(settings("web"), /(tbf|netem) .*dev eth1/);
      impair("web", "--clear");
      assert.equal(text("web", "nft", "list", "ruleset"), "");
    });

    it("takes an interface and a link down and up, with routes and IPv6 addresses", () => {
      impair("db", "--down");
      assert.ok(isCutOff("web", "10.2.0.3"));
      assert.equal(who.lab("ping").code, 0); // it knows
      impair("db", "--up");
      assert.equal(reaches("web", "10.2.0.3"), true);
      impair("r1@r2", "--down");
      assert.ok(isCutOff("r1", "172.16.0.2"));
      assert.ok(isCutOff("r2", "172.16.0.1"));
      const check = who.lab("check", "impaired.yaml");
      assert.equal(check.code, 0, check.out);
      impair("r1@r2", "--up");
      assert.equal(reaches("r1", "172.16.0.2"), true);
      assert.match(text("r2", "ip", "-6", "address", "show", "r1"), /fd16::2\/64/);
    });

    it("refuses what is none, with the place that may be meant", () => {
      const refused = (pattern: RegExp, ...words: string[]) => {
        const { code, err } = who.lab("impair", ...words);
        assert.notEqual(code, 0);
        assert.match(err, pattern);
      };
      refused(/there is no pod clint\n {2}did you mean client\?/, "clint", "--loss", "1%");
      refused(/db is on no network and no link front/, "db@front", "--loss", "1%");
      refused(/--loss 1: write it as 1%/, "db", "--loss", "1");
      refused(/name a setting/, "db");
      refused(/give --down or --up/, "db", "--down", "--up");
    });

    it("needs netem for a delay, and says so at its place in the file", function () {
      needsLack(this, "netem");
      const { code, err } = who.lab("impair", "db", "--delay", "10ms");
      assert.equal(code, 1);
      assert.match(err, /This kernel has no netem .*, which delay needs\n {2}Use rate, loss or down/);
      who.file("late.yaml", file.replace("loss: 100%", "delay: 10ms"));
      assert.match(who.lab("up", "late.yaml").err, /late\.yaml:10:11: This kernel has no netem/);
      const check = who.lab("check", "late.yaml"); // the lab is not up
      assert.equal(check.code, 1);
      assert.match(check.err, /late\.yaml:10:11: This kernel has no netem .*\n {2}Use rate, loss or down/);
    });

    it("delays packets by as much and more, duplicates, reorders, corrupts and loses them with netem", function () {
      needs(this, "netem");
      impair("db", "--delay", "40ms", "--direction", "in");
      const [, least] = /= ([\d.]+)\//.exec(text("web", "ping", "-q", "-c", "5", "-i", "0.01", "10.2.0.3"))!;
      assert.ok(Number(least) >= 40, least);
      assert.equal(who.lab("check", "impaired.yaml").code, 0);
      impair("db", "--jitter", "25ms", "--direction", "in");
      const varied = text("web", "ping", "-q", "-c", "40", "-i", "0.02", "10.2.0.3");
      const [min = 0, , , mdev = 0] = /= ([\d.]+)\/([\d.]+)\/([\d.]+)\/([\d.]+)/.exec(varied)!.slice(1).map(Number);
      assert.ok(mdev > 5 && min >= 15 && min < 40, varied);
      impair("db", "--clear");
      impair("db", "--delay", "30ms", "--reorder", "50%", "--direction", "in");
      const answers = text("web", "ping", "-c", "40", "-i", "0.005", "10.2.0.3").matchAll(/icmp_seq=(\d+)/g);
      const order = [...answers].map(([, sequence]) => Number(sequence));
      assert.notDeepEqual(
        order,
        order.toSorted((a, b) => a - b),
        "half of the packets overtake others",
      );
      impair("db", "--clear");
      impair("db", "--duplicate", "100%", "--direction", "in");
      assert.match(text("web", "ping", "-q", "-c", "10", "-i", "0.05", "10.2.0.3"), /\+(9|10) duplicates/);
      impair("db", "--clear");
      impair("db", "--corrupt", "100%", "--direction", "in");
      assert.ok(lost("web", "10.2.0.3", 50) > 50);
      impair("db", "--clear");
      impair("db", "--loss", "30%", "--direction", "in");
      assert.match(text("host", "tc", "qdisc"), /netem .*loss 30%/);
      const share = lost("web", "10.2.0.3");
      assert.ok(share > 12 && share < 50, `${share} %`);
      impair("db", "--clear");
      assert.doesNotMatch(text("host", "tc", "qdisc"), /netem .*loss/);
    });

    // The same code runs as an ordinary user, and this takes seconds.
    if (user === "root")
      it("limits the rate of what a pod receives, as the file says", function () {
        const limited = rate();
        assert.ok(limited > 0.4e6 && limited < 1.4e6, String(limited));
        impair("client", "--clear");
        const free = rate();
        if (free < 1.5e6) skip(this, `this machine sends ${Math.round(free / 1000)} kbit/s by ping without a limit`);
        assert.ok(free > 1.5 * limited);
      });
  });
}
