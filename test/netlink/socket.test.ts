/**
 * The socket with the real kernel: batches, refusals in the kernel's own words, lists that change while they are read.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { commitBatch } from "../../netlink/nft/batch.ts";
import { hook, newChain } from "../../netlink/nft/chain.ts";
import { newTable } from "../../netlink/nft/table.ts";
import { changeLink, createLink, deleteLink, getLink, linkFlag, listLinks } from "../../netlink/route/link.ts";
import { addRoute } from "../../netlink/route/route.ts";
import { type NetlinkSocket, openSocketIn, protocol } from "../../netlink/socket.ts";
import { errno, KernelError } from "../../sys/errors.ts";
import { closeNetns, openNetns } from "../../sys/netns.ts";
import { needs } from "../support/needs.ts";
import { freshNetns, links, type Netns } from "../support/sandbox.ts";

function socketIn(ns: Netns, number: number = protocol.route): NetlinkSocket {
  const open = openNetns(ns.path);
  try {
    return openSocketIn(open, number);
  } finally {
    closeNetns(open);
  }
}

const bridge = (name: string) => createLink({ name, info: { kind: "bridge" } });

/** The error that `work` throws. */
function refusal(work: () => unknown): KernelError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof KernelError, String(error));
    return error;
  }
  return assert.fail("nothing was refused");
}

describe("A netlink socket", () => {
  before(function () {
    needs(this, "bridge");
  });

  it("belongs to the namespace it was opened in, and this process stays where it is", () => {
    using ns = freshNetns();
    using socket = socketIn(ns);
    socket.request(bridge("br7"));
    assert.ok(links(ns).has("br7"));
    assert.notEqual(Bun.spawnSync(["ip", "link", "show", "br7"]).exitCode, 0);
  });

  it("keeps the kernel's own words, its errno and the request", () => {
    using ns = freshNetns();
    using socket = socketIn(ns);
    socket.request(createLink({ name: "br0", set: linkFlag.up, info: { kind: "bridge" } }));
    const { index } = getLink(socket, "br0")!;
    const gateway = Uint8Array.of(10, 1, 0, 1);
    const error = refusal(() =>
      socket.request(
        addRoute({
          text: "default via 10.1.0.1",
          destination: new Uint8Array(4),
          dstLength: 0,
          outIndex: index,
          gateway,
        }),
      ),
    );
    assert.equal(error.errno, errno.ENETUNREACH);
    assert.match(error.message, /^Cannot add route default via 10\.1\.0\.1: ENETUNREACH \(kernel: .*gateway.*\)$/);
  });

  it("tries all messages of a batch, and names the one in the middle that was refused", () => {
    using ns = freshNetns();
    using socket = socketIn(ns);
    const error = refusal(() => socket.batch([bridge("a"), bridge("a"), bridge("b")]));
    assert.deepEqual([error.operation, error.symbol], ["create bridge a", "EEXIST"]);
    assert.deepEqual([...links(ns).keys()].sort(), ["a", "b", "lo"]);
  });

  it("names the first of several that were refused", () => {
    using ns = freshNetns();
    using socket = socketIn(ns);
    const error = refusal(() => socket.batch([bridge("a"), deleteLink("x"), bridge("a")]));
    assert.equal(error.operation, "delete link x");
  });

  it("works as before after a refusal", () => {
    using ns = freshNetns();
    using socket = socketIn(ns);
    for (let i = 0; i < 3; i++) refusal(() => socket.batch([deleteLink("x"), deleteLink("y")]));
    socket.request(bridge("a"));
    assert.equal(getLink(socket, "a")?.name, "a");
    assert.equal(getLink(socket, "x"), undefined);
  });

  it("answers each message of a batch with its own replies", () => {
    using ns = freshNetns();
    using socket = socketIn(ns);
    socket.batch(["a", "b"].map(bridge));
    const lookUp = (name: string) => ({ ...changeLink(`look up ${name}`, { name }), type: 18 });
    const replies = socket.batch(["a", "b"].map(lookUp));
    assert.deepEqual(
      replies.map((frames) => frames.length),
      [1, 1],
    );
    const indexes = replies.map(([frame]) => new DataView(frame!.payload.slice().buffer).getInt32(4, true));
    assert.deepEqual(indexes, [links(ns).get("a").ifindex, links(ns).get("b").ifindex]);
  });

  it("commits a batch of nf_tables whole or not at all, and names the refused message", function () {
    needs(this, "nft nat");
    using ns = freshNetns();
    using socket = socketIn(ns, protocol.netfilter);
    const table = { family: 1, name: "t" };
    const bad = newChain({ family: 1, name: "nowhere" }, "c", { type: "filter", hook: hook.input, priority: 0 });
    const error = refusal(() => commitBatch(socket, [newTable(table, "x"), bad, newChain(table, "d")]));
    assert.deepEqual([error.operation, error.symbol], ["create nf_tables chain c", "ENOENT"]);
    assert.equal(ns.nft("list", "ruleset"), "");
    commitBatch(socket, [newTable(table, "x"), newChain(table, "d")]);
    assert.match(ns.nft("list", "ruleset"), /table inet t/);
  });

  it("refuses a send to a kernel that is no longer listening instead of waiting", () => {
    using ns = freshNetns();
    const socket = socketIn(ns);
    socket.close();
    assert.throws(() => socket.request(bridge("a")), KernelError);
  });

  it("lists more than one datagram holds, each link once", function () {
    this.timeout(60_000);
    using ns = freshNetns();
    ns.ip("link", "add", "br0", "type", "bridge");
    const batch = Array.from({ length: 150 }, (_, i) => `link add v${i} type veth peer name w${i}`).join("\n");
    Bun.spawnSync(ns.inside(["ip", "-batch", "-"]), { stdin: Buffer.from(batch) });
    using socket = socketIn(ns);
    const names = listLinks(socket).map(({ name }) => name);
    assert.deepEqual([names.length, new Set(names).size], [302, 302]);
    assert.deepEqual(names.sort(), [...links(ns).keys()].sort());
  });

  it("lists again when the list changed while it was read (NLM_F_DUMP_INTR)", async function () {
    this.timeout(60_000);
    using ns = freshNetns();
    const batch = Array.from({ length: 40 }, (_, i) => `link add v${i} type veth peer name w${i}`).join("\n");
    Bun.spawnSync(ns.inside(["ip", "-batch", "-"]), { stdin: Buffer.from(batch) });
    // Another process that creates and deletes a link until its standard input is closed.
    const churn = Bun.spawn(
      ns.inside([
        "sh",
        "-c",
        'while kill -0 "$0" 2>/dev/null; do ip link add c0 type bridge; ip link del c0; done',
        String(process.pid),
      ]),
      { stdio: ["ignore", "ignore", "ignore"] },
    );
    try {
      const lists = join(import.meta.dirname, "list-links.ts");
      let interrupted = 0;
      for (let attempt = 0; attempt < 20 && interrupted === 0; attempt++) {
        const child = Bun.spawn(ns.inside([process.execPath, lists, "40"]), {
          env: process.env,
          stdio: ["ignore", "pipe", "pipe"],
        });
        const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
        assert.equal(await child.exited, 0, err.slice(-500));
        // 0x10 in the flags of a received message; 0x2 marks a part of a list.
        interrupted += err.match(/^← \S+ #\d+ flags 0x12 /gm)?.length ?? 0;
        const rows = out.trim().split("\n");
        assert.equal(rows.length, 40);
        for (const row of rows) {
          const stable = row.split(" ").filter((name) => /^[vw]\d/.test(name));
          assert.deepEqual([stable.length, new Set(stable).size], [80, 80]);
        }
      }
      assert.ok(interrupted > 0, "no list was ever interrupted");
    } finally {
      churn.kill();
      await churn.exited;
    }
  });

  it("never accepts a datagram longer than its buffer as whole", () => {
    // A veth's alternative names are reported in one message. Enough of them exceed our buffer.
    using ns = freshNetns();
    ns.ip("link", "add", "br0", "type", "bridge");
    const names = Array.from({ length: 300 }, (_, i) => `${"x".repeat(110)}${i}`);
    Bun.spawnSync(ns.inside(["ip", "-batch", "-"]), {
      stdin: Buffer.from(names.map((name) => `link property add dev br0 altname ${name}`).join("\n")),
    });
    using socket = socketIn(ns);
    const found = getLink(socket, "br0");
    assert.ok((found?.altNames?.length ?? 0) > 250, `${found?.altNames?.length} names`);
  });
});
