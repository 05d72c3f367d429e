/** The live page in Debian's Chromium, in a network namespace that has loopback alone. */
import assert from "node:assert/strict";
import { request } from "node:http";
import type { Browser, Page } from "puppeteer-core";
import { asked, openBrowser, openPage, textOf, until } from "../support/browser.ts";
import { needs } from "../support/needs.ts";
import { freshNetns, type Netns } from "../support/sandbox.ts";
import { needsLabs, type Person, person, users } from "./person.ts";

const file = `
name: shown
networks: { front: 10.1.0.0/24, back: { subnets: [10.2.0.0/24], isolate: networks } }
pods:
  web: { networks: front, serve: http:80, publish: ["8080:80"] }
  api: { networks: [front, back] }
  db: { networks: back }
  log: { joins: web }
tests: [ api -> http://web/, web -x-> db:1, web -> db:2 ]
`;

interface Ui extends AsyncDisposable {
  readonly url: string;
  readonly ended: Promise<number>;
  stop(): void;
}

/** `ns-net lab ui`, in that network namespace. */
async function startUi(who: Person, ns: Netns, ...words: string[]): Promise<Ui> {
  const child = Bun.spawn(ns.inside(who.line("lab", "ui", ...words)), {
    ...{ cwd: who.folder, env: who.environment, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  });
  const { value } = await child.stdout.getReader().read();
  const said = new TextDecoder().decode(value);
  const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(said)?.[0];
  assert.ok(url, said || (await new Response(child.stderr).text()));
  const stop = () => child.kill("SIGTERM");
  const end = async () => {
    stop();
    await child.exited;
  };
  return { url, ended: child.exited, stop, [Symbol.asyncDispose]: end };
}

for (const user of users)
  describe(`lab ui, as ${user}`, function () {
    this.timeout(60_000);
    let who: Person;
    let up: Disposable;
    let ns: Netns;
    let ui: Ui;
    let browser: Browser;
    let page: Page;
    const [requests, errors]: [string[], string[]] = [[], []];

    before(async function () {
      needsLabs(this, user);
      needs(this, "chromium");
      who = person(user);
      up = who.up(who.file("lab.yaml", file));
      ns = freshNetns("ui");
      ui = await startUi(who, ns);
      browser = await openBrowser(ns);
      page = await openPage(browser, { width: 1440, height: 900 });
      page.on("request", (one) => requests.push(new URL(one.url()).host));
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("console", (message) => errors.push(message.text()));
      await page.goto(ui.url);
      await until(page, `document.querySelector("#hosts td") !== null`);
    });
    after(async () => {
      await browser?.close();
      await ui?.[Symbol.asyncDispose]();
      ns?.[Symbol.dispose]();
      up?.[Symbol.dispose]();
      who?.[Symbol.dispose]();
    });

    const seen = (selector: string) => `document.querySelector(${JSON.stringify(`svg.wide ${selector}`)}) !== null`;
    const lab = (...words: string[]) => {
      const { code, err } = who.lab(...words);
      assert.equal(code, 0, err);
    };

    it("shows every pod, network and host", async () => {
      for (const pod of ["web", "api", "db", "log"]) assert.equal(await asked(page, seen(`[data-pod=${pod}]`)), true);
      for (const network of ["front", "back"])
        assert.equal(await asked(page, seen(`[data-node="network_${network}-host"]`)), true);
      assert.match(await textOf(page, "#hosts"), /host.*front.*back/s);
    });

    it("shows within a second what is taken down and up, by lab impair and by another program", async () => {
      const isDown = seen('[data-edge="pod_db-eth0"].is-down');
      const db = who.json("inspect").pods.find(({ name }: { name: string }) => name === "db");
      const { hostLink } = db.interfaces[0];
      const times: number[] = [];
      for (const [change, expression] of [
        [["impair", "db", "--down"], isDown],
        [["impair", "db", "--up"], `!(${isDown})`],
        [["exec", "host", "ip", "link", "set", hostLink, "down"], isDown],
        [["exec", "host", "ip", "link", "set", hostLink, "up"], `!(${isDown})`],
      ] as const) {
        lab(...change);
        times.push(await until(page, expression));
      }
      assert.ok(Math.min(...times) < 1000, `seen after ${times} ms`); // a machine that tests is busy
    });

    // The rest does not depend on the user.
    if (user !== "root") return;

    it("shows what passes an interface in a second", async () => {
      const ping = who.line(
        "lab",
        "exec",
        "api",
        "--",
        "ping",
        "-q",
        "-i",
        "0.01",
        "-c",
        "150",
        "-s",
        "958",
        "10.1.0.2",
      );
      const child = Bun.spawn(ping, { cwd: who.folder, env: who.environment, stdin: "ignore", stdout: "ignore" });
      // 1000 bytes of IP and 14 of Ethernet, about a hundred times a second in each direction.
      const rate = (id: string) => `(document.querySelector('[data-rate="${id}"]').textContent)`;
      await until(page, `/^\\d{2,3} kB\\/s\\n\\d{2,3} p\\/s$/.test(${rate("pod_web-eth0 received")})`);
      await until(
        page,
        `/ p\\/s$/.test(${rate("pod_web-eth0 sent")}) && ${seen('[data-edge="pod_web-eth0"].is-busy')}`,
      );
      await child.exited;
      await until(page, `${rate("pod_web-eth0 received")} === "–"`);
    });

    it("runs the tests and pings when a person asks, and colours the picture", async () => {
      await page.click("[data-run=test]");
      await until(page, `document.querySelector("#progress").textContent === "2 passed, 1 failed"`);
      await until(page, `${seen("[data-pod=db].failed")} && ${seen("[data-pod=api].passed")}`);
      assert.match(await textOf(page, "#tests .failed"), /web -> db:2failedexpected reachable, found unreachable/);
      await page.click("[data-run=ping]");
      await until(page, `document.querySelectorAll(".matrix .reached").length === 5`);
      assert.equal(await asked(page, `document.querySelectorAll(".matrix .silent:not(.wrong)").length`), 1);
      assert.equal(await textOf(page, "#progress"), "6 of 6 as expected");
    });

    it("shows what was found between two pods, chosen with the keyboard, and pings them", async () => {
      const choose = async (pod: string) => {
        await page.evaluate(`document.querySelector("svg.wide [data-pod=${pod}]").focus()`);
        await page.keyboard.press("Enter");
      };
      await choose("web");
      await choose("db");
      const panel = () => textOf(page, "#choice");
      assert.match(
        await panel(),
        /^web → db.*ping web → db: no answer, as expected.*web -> db:2.*ping db → web: answers in/s,
      );
      lab("impair", "db", "--down");
      await until(page, seen('[data-edge="pod_db-eth0"].is-down'));
      await page.keyboard.press("Escape");
      await choose("db");
      await choose("api");
      await page.click("#choice .row button");
      await until(
        page,
        `document.querySelector("#choice").textContent.includes("ping db → api: no answer, as expected")`,
      );
      lab("impair", "db", "--up");
    });

    it("shows hop by hop why one pod reaches another or not, in the panel and in the picture", async () => {
      const explain = async (from: string, to: string, port: string) => {
        await page.keyboard.press("Escape");
        for (const pod of [from, to]) {
          await page.evaluate(`document.querySelector("svg.wide [data-pod=${pod}]").focus()`);
          await page.keyboard.press("Enter");
        }
        await page.evaluate(`document.querySelector("#choice input[name=port]").value = ""`);
        await page.type("#choice input[name=port]", port);
        await page.keyboard.press("Enter");
        await until(page, `document.querySelector("#choice .explained .verdict") !== null`);
      };
      const passed = () =>
        asked<string[]>(
          page,
          `[...document.querySelectorAll("svg.wide [data-edge].is-passed")].map((line) => line.dataset.edge).sort()`,
        );
      await explain("api", "web", "80");
      assert.equal(await textOf(page, "#choice .verdict"), "reachable");
      assert.deepEqual(await passed(), ["pod_api-eth0", "pod_web-eth0"]);
      assert.equal(await asked(page, seen(".is-dropped")), false);

      await explain("web", "db", "80");
      assert.match(await textOf(page, "#choice .verdict"), /^blocked: /);
      assert.equal(await asked(page, seen('[data-node="host_host"].is-dropped')), true);
      assert.deepEqual(await passed(), ["host_host-network_front-host", "pod_web-eth0"]);
      assert.match(await textOf(page, "#choice .hops .drop"), /^✕rules/);

      // The answer follows the lab.
      await explain("api", "web", "81");
      assert.match(await textOf(page, "#choice .verdict"), /^blocked: no program listens on tcp port 81/);
      assert.equal(await asked(page, seen("[data-pod=web].is-dropped")), true);
      lab("exec", "web", "--", "ip", "link", "set", "eth0", "down");
      await until(page, `/is down/.test(document.querySelector("#choice .verdict").textContent)`);
      assert.match(await textOf(page, "#choice .cure code"), /^ns-net lab exec web -- ip link set eth0 up$/);
      lab("exec", "web", "--", "ip", "link", "set", "eth0", "up");
      await until(page, `/listens/.test(document.querySelector("#choice .verdict").textContent)`);
      await page.keyboard.press("Escape");
      await until(page, `!(${seen(".is-passed, .is-dropped")})`);
    });

    it("shows a pod that lab apply adds", async () => {
      who.file("lab.yaml", file.replace("  log:", "  new: { networks: back }\n  log:"));
      lab("apply", "lab.yaml");
      await until(page, seen("[data-pod=new]"));
    });

    it("goes on after the lab went down and came up again", async () => {
      lab("down", "lab.yaml");
      await until(page, `document.querySelector("#news").textContent === "shown is down"`);
      lab("up", "lab.yaml");
      await until(page, `document.querySelector("#news").textContent === "" && ${seen("[data-pod=db].untested")}`);
    });

    it("sends nothing elsewhere, and may not", async () => {
      assert.deepEqual(errors, []);
      assert.deepEqual([...new Set(requests)], [new URL(ui.url).host]);
      assert.deepEqual(
        ns.ip("link").map(({ ifname }) => ifname),
        ["lo"],
      );
      const other = await startUi(who, ns); // the port is in use: it takes a free one
      assert.notEqual(other.url, ui.url);
      const refused = await asked(page, `fetch("${other.url}").then(() => false, () => true)`);
      assert.equal(refused, true);
      assert.match(errors.join("\n"), /Content Security Policy/);
      other.stop();
      assert.equal(await other.ended, 0);
    });

    it("answers its own page alone: by name, by origin, and changes nothing for GET", () => {
      const { host, port } = new URL(ui.url);
      const status = (path: string, ...words: string[]) =>
        ns.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", ...words, `${ui.url}${path}`);
      assert.equal(status(""), "200");
      assert.equal(status("", "-H", `Host: localhost:${port}`), "200");
      assert.equal(status("", "-H", `Host: evil.example:${port}`), "403");
      assert.equal(status("events", "-H", "Origin: http://evil.example"), "403");
      assert.equal(status("test", "-X", "POST"), "403");
      assert.equal(status("test", "-X", "POST", "-H", "Origin: http://evil.example"), "403");
      assert.equal(status("test", "-X", "POST", "-H", `Origin: http://${host}`), "200");
      for (const path of ["test", "ping", "ping/web/api", "nothing"]) assert.equal(status(path), "404", path);
      assert.equal(status("ping/web/other", "-X", "POST", "-H", `Origin: http://${host}`), "502");
      assert.equal(status("explain/web/api", "-X", "POST"), "403");
      for (const path of ["explain/web/other", "explain/web/--live", "explain/web/api?port=80/x"])
        assert.equal(status(path, "-X", "POST", "-H", `Origin: http://${host}`), "502", path);
    });

    it("listens on loopback alone, and only in the namespace of its caller", async () => {
      assert.match(ns.run("ss", "-Hltn"), /^LISTEN .* 127\.0\.0\.1:7080 .*\n$/);
      const { promise, resolve } = Promise.withResolvers<string>();
      request(ui.url)
        .on("error", (error: NodeJS.ErrnoException) => resolve(error.code!))
        .on("response", () => resolve("answer"))
        .end();
      assert.equal(await promise, "ECONNREFUSED");
    });

    it("refuses a port that is in use, and what is none", async () => {
      const call = (...words: string[]) =>
        Bun.spawnSync(ns.inside(who.line("lab", "ui", ...words)), { cwd: who.folder });
      const used = call("--port", "7080");
      assert.equal(used.exitCode, 1);
      assert.match(used.stderr.toString(), /Port 7080 of 127\.0\.0\.1 is in use\n {2}Choose another one/);
      for (const port of ["0", "65536", "http"]) assert.equal(call("--port", port).exitCode, 2, port);
    });
  });
