/** `ns-net exec`: the command replaces the process. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { run } from "../../support/sandbox.ts";
import { freshPlace, needsOwnEtc } from "../place.ts";

describe("ns-net exec", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6");
  });

  it("runs inside, with the exit code of the command", () => {
    using place = freshPlace();
    const name = place.name();
    const address = place.must("add", name).trim();
    assert.match(place.must("exec", name, "--", "ip", "-4", "address"), new RegExp(`inet ${address}/`));
    assert.equal(place.cli("exec", name, "--", "sh", "-c", "exit 42").code, 42);
  });

  it("replaces itself by the command, which then gets signals itself", async () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const script = 'trap "exit 7" TERM; echo ready $$; while :; do read x || sleep 0.01; done';
    const child = Bun.spawn(place.host.inside([nsNet, "exec", name, "--", "sh", "-c", script]), {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const reader = child.stdout.getReader();
    const said = Buffer.from((await reader.read()).value!).toString();
    assert.equal(said, `ready ${child.pid}\n`);
    child.kill("SIGTERM");
    assert.equal(await child.exited, 7);
  });

  it("puts files of /etc/netns/<name> over those of /etc, for this command alone", function () {
    needsOwnEtc(this);
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    mkdirSync(`/etc/netns/${name}`, { recursive: true });
    writeFileSync(`/etc/netns/${name}/resolv.conf`, "nameserver 203.0.113.53\n");
    assert.equal(place.must("exec", name, "--", "cat", "/etc/resolv.conf"), "nameserver 203.0.113.53\n");
    assert.doesNotMatch(Bun.spawnSync(["cat", "/etc/resolv.conf"]).stdout.toString(), /203\.0\.113\.53/);
  });

  it("passes words unchanged, also those that look like options", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const words = ["--help", "a b", "$HOME", ""];
    assert.equal(place.must("exec", name, "--", "printf", "%s|", ...words), "--help|a b|$HOME||");
  });

  it("runs where /sys already shows the namespace: inside of another exec, and in its own namespace", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const see = ["ls", "/sys/class/net"];
    const nested = place.must("exec", name, "--", nsNet, "exec", name, "--", ...see);
    assert.deepEqual(nested.split("\n").filter(Boolean).sort(), ["eth0", "lo"]);
    const script = `exec "$0" exec pid:$$ -- "$0" exec pid:$$ -- ${see.join(" ")}`;
    place.host.run("sh", "-c", script, nsNet);
    // A /sys that is mounted twice, and none at all.
    for (const prepare of [
      "mount -t sysfs sysfs /sys; mount --bind /sys /sys",
      "umount -l /sys; umount -l /sys || true",
    ]) {
      run(["unshare", "--mount", "sh", "-c", `${prepare}; exec "$0" exec ${name} -- ls /sys/class/net/eth0`, nsNet]);
    }
  });

  it("runs a script without an interpreter line in the shell, and says why it cannot run others", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const script = (file: string, text: string, mode: number) => {
      const path = place.file(file, text);
      chmodSync(path, mode);
      return path;
    };
    const plain = script("plain", 'printf "%s|" "$0" "$@"; exit 9\n', 0o755);
    const said = place.cli("exec", name, "--", "./plain", "a b", "c");
    assert.deepEqual([said.code, said.out], [9, "./plain|a b|c|"]);
    assert.equal(place.cli("exec", name, "--", plain).code, 9);
    const refused = [
      [script("text", "echo\n", 0o644), /Cannot run .*text: it is not executable\n {2}.*chmod \+x/],
      ["/usr", /Cannot run \/usr: it is a folder/],
      [script("lost", "#!/no/such\n", 0o755), /Cannot run .*lost: the interpreter/],
      ["./nothing", /Cannot find the command "\.\/nothing"/],
    ] as const;
    for (const [command, words] of refused) {
      const { code, err } = place.cli("exec", name, "--", command);
      assert.ok(code === 126 || code === 127, err);
      assert.match(err, words);
    }
  });

  it("reports a missing command or namespace", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const [command, namespace] = [place.cli("exec", name, "--", "no-such-thing"), place.cli("exec", "x", "--", "true")];
    assert.deepEqual([command.code, namespace.code], [127, 1]);
    assert.match(command.err, /no-such-thing/);
    assert.match(namespace.err, /^ns-net: There is no namespace x: no file \/run\/netns\/x,/);
  });

  it("ends a command as it would end elsewhere: by SIGPIPE, and with a shell's codes where there is none", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const line = `"$@" | head -n1; echo "$PIPESTATUS"`;
    const piped = ["bash", "-c", line, "bash", ...place.command("exec", name, "--", "yes")];
    assert.equal(run(place.host.inside(piped)), "y\n141\n");
    for (const [words, code, says] of [
      [["no-such-command"], 127, /Cannot find the command "no-such-command"/],
      [[""], 127, /Cannot find the command ""/],
      [["/etc/passwd"], 126, /not executable/],
      [["/etc"], 126, /a folder/],
    ] as const) {
      const said = place.cli("exec", name, "--", ...words);
      assert.equal(said.code, code, said.err);
      assert.match(said.err, says);
    }
    const said = place.cli("exec", name, "ip", "-br", "address");
    assert.equal(said.code, 2);
    assert.match(said.err, /comes after "--"/);
  });
});
