/** `ns-net top`. Witnesses: the counters of `ip -s link` in the namespace, and traffic. */
import assert from "node:assert/strict";
import { openScene } from "../../../explain/path/scene.ts";
import { needs } from "../../../support/needs.ts";
import { plain } from "../../../support/terminal.ts";

interface Row {
  readonly container: string;
  readonly interface: string;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly drops: number;
}

describe("ns-net top", function () {
  this.timeout(120_000);
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "ping", "ip");
  });

  it("has the counters of each interface as the container sees them, the one with most bytes first", () => {
    using scene = openScene();
    const { A, B, B4 } = scene.variables;
    scene.shell(`in_a ping -c 5 -i 0.01 -s 9000 -q ${B4} >out
      in_a ip link add dead0 type bridge; in_a ip link set dead0 up`);
    const rows: Row[] = JSON.parse(scene.place.must("top", "--once", "--json"));
    const [name] = [A!];
    const witness = JSON.parse(scene.netns("A").run("ip", "-s", "-j", "link", "show", "eth0"))[0].stats64;
    const row = rows.find((one) => one.container === name && one.interface === "eth0")!;
    // Neighbour discovery may come between the two looks, and adds to both.
    assert.ok(row.rxBytes > 45_000 && row.txBytes > 45_000);
    assert.ok(witness.rx.bytes >= row.rxBytes && witness.rx.bytes - row.rxBytes < 1000, JSON.stringify([row, witness]));
    assert.ok(witness.tx.bytes >= row.txBytes && witness.tx.bytes - row.txBytes < 1000);
    assert.ok(witness.rx.packets >= row.rxPackets && row.rxPackets > 30);
    assert.equal(row.drops, witness.rx.dropped + witness.tx.dropped);
    const sums = rows.map(({ rxBytes, txBytes }) => rxBytes + txBytes);
    assert.deepEqual(
      sums,
      sums.toSorted((a, b) => b - a),
    );
    // Other namespaces of the machine have traffic, too.
    const ofScene = rows.filter(({ container }) => [A, B, scene.variables.C].includes(container));
    assert.ok(ofScene[0]!.container === A || ofScene[0]!.container === B, JSON.stringify(ofScene));
    assert.ok(rows.some((one) => one.container === B));
    assert.ok(rows.every((one) => one.interface !== "lo"));
    assert.ok(rows.some((one) => one.interface === "dead0"));
    const table = scene.place.must("top", "--once");
    assert.match(table, /^CONTAINER +INTERFACE +RECEIVED +SENT +PACKETS IN +OUT +DROPS\n/);
    assert.match(table, new RegExp(`^${A} +eth0 +4\\d(\\.\\d)? kB +4\\d(\\.\\d)? kB `, "m"));
  });

  it("counts what the interface drops", () => {
    using scene = openScene();
    const { A } = scene.variables;
    // The receiving end takes no frame that is larger than its MTU.
    scene.shell(`ip link set $HA mtu 1300; in_a ping -c 3 -i 0.01 -W 1 -s 1400 -q 192.0.2.1 >out || true`);
    const rows: Row[] = JSON.parse(scene.place.must("top", "--json"));
    const { rx, tx } = JSON.parse(scene.netns("A").run("ip", "-s", "-j", "link", "show", "eth0"))[0].stats64;
    const row = rows.find((one) => one.container === A && one.interface === "eth0")!;
    assert.equal(row.drops, rx.dropped + tx.dropped);
    assert.ok(row.drops >= 3, `${row.drops}`);
  });

  it("on a terminal it shows rates, follows its size, and leaves the screen as it was at q", async () => {
    using scene = openScene();
    const { A, B4 } = scene.variables;
    const ping = Bun.spawn(scene.netns("A").inside(["ping", "-i", "0.01", "-s", "1400", "-q", B4!]), {
      stdout: "ignore",
    });
    try {
      const screen = onScreen(scene.place.host.inside(scene.place.command("top")));
      await screen.until((text) => new RegExp(`${A} +eth0 +\\d+(\\.\\d)? kB +\\d+(\\.\\d)? kB `).test(plain(text)));
      assert.ok(screen.text.startsWith("\x1b[?1049h\x1b[?25l"));
      const rows = plain(screen.text.slice(screen.text.lastIndexOf("\x1b[H")))
        .split("\n")
        .map((line) => line.trimEnd());
      assert.ok(rows.every((line) => line.length <= 80));
      assert.match(rows[0]!, /CONTAINER +INTERFACE +IN\/s +OUT\/s +PACKETS\/s IN +OUT +DROPS/);
      const before = screen.text.length;
      screen.resize(50, 3);
      await screen.until((text) => text.indexOf("\x1b[H", before) > 0 && text.endsWith("\x1b[J"));
      const last = plain(screen.text.slice(screen.text.lastIndexOf("\x1b[H"))).split("\n");
      assert.ok(last.length <= 3, JSON.stringify(last));
      screen.type("q");
      assert.equal(await screen.ended, 0);
      await screen.until((text) => text.endsWith("\x1b[?25h\x1b[?1049l"));
    } finally {
      ping.kill();
    }
  });

  for (const [name, end] of [
    ["Ctrl-C", (screen: Screen) => screen.type("\x03")],
    ["SIGTERM", (screen: Screen) => screen.kill("SIGTERM")],
  ] as const) {
    it(`${name} puts the screen back, too`, async () => {
      using scene = openScene();
      const screen = onScreen(scene.place.host.inside(scene.place.command("top")));
      await screen.until((text) => text.includes("eth0"));
      end(screen);
      assert.equal(await screen.ended, 0);
      await screen.until((text) => text.endsWith("\x1b[?25h\x1b[?1049l"));
    });
  }
});

type Screen = ReturnType<typeof onScreen>;

/** A program on a terminal that a person types at. */
function onScreen(command: readonly string[]) {
  let text = "";
  let changed = Promise.withResolvers<void>();
  const child = Bun.spawn([...command], {
    env: { ...process.env, TERM: "xterm" },
    terminal: {
      cols: 80,
      rows: 24,
      data(_: unknown, bytes: Uint8Array) {
        text += Buffer.from(bytes).toString();
        changed.resolve();
        changed = Promise.withResolvers();
      },
    },
  });
  return {
    get text() {
      return text;
    },
    ended: child.exited,
    type: (keys: string) => child.terminal!.write(keys),
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    resize: (columns: number, rows: number) => child.terminal!.resize(columns, rows),
    async until(holds: (text: string) => boolean): Promise<void> {
      while (!holds(text)) await changed.promise;
    },
  };
}
