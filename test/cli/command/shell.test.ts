/** `ns-net shell` on a terminal, as a person uses it. */
import assert from "node:assert/strict";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { freshPlace, type Place } from "../place.ts";

/** Types lines into a command on a terminal of its own, and answers its exit code and what the terminal showed. */
async function typed(place: Place, words: readonly string[], lines: readonly string[]) {
  let shown = "";
  const child = Bun.spawn(place.host.inside(words), {
    env: { ...process.env, SHELL: "/bin/sh", HOME: place.folder },
    terminal: {
      cols: 80,
      rows: 24,
      data: (_, bytes) => {
        shown += Buffer.from(bytes).toString();
      },
    },
  });
  for (const line of lines) child.terminal!.write(`${line}\n`);
  const code = await child.exited;
  return { code, shown };
}

describe("ns-net shell", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
  });

  for (const words of [["shell"], ["shell", "--pid"], ["exec"]]) {
    it(`is inside, and its prompt shows where: ns-net ${words.join(" ")}`, async () => {
      using place = freshPlace();
      const name = place.name();
      const address = place.must("add", name).trim();
      const [command, ...options] = words;
      const { code, shown } = await typed(
        place,
        [nsNet, command!, name, ...options],
        ["ip -4 -o address show eth0", "hostname; test -t 0 && echo on a terminal", "exec sh -c 'exit 5'"],
      );
      assert.equal(code, 5, shown);
      assert.ok(shown.includes(`${name}:`), shown);
      assert.ok(shown.includes(`inet ${address}/`), shown);
      assert.ok(shown.includes("on a terminal"), shown);
      if (command === "shell") assert.match(shown, new RegExp(` ${name}\\r?$`, "m"));
    });
  }

  it("gives the terminal back to a script that goes on after it", async () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const script = `"$0" exec "$1" --pid sh -c 'read x; echo "inside $x"'; read y; echo "after $y"`;
    const { code, shown } = await typed(place, ["sh", "-c", script, nsNet, name], ["one", "two"]);
    assert.equal(code, 0, shown);
    assert.match(shown, /inside one\r\n(?:two\r\n)?after two/);
  });
});
