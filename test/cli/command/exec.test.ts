/** `ns-net exec`: the command replaces the process, or is its only child. */
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
  });

  it("needs no -- before the command, whose words stay its own", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    assert.match(place.must("exec", name, "ip", "-br", "address"), /^eth0/m);
    assert.match(place.must("exec", name, "ls", "--help"), /^Usage: ls/);
    const said = place.cli("exec", name, "--frobnicate", "ls");
    assert.equal(said.code, 2);
    assert.match(said.err, /Unknown option '--frobnicate'.*needs "--" before it/);
  });

  it("gives a hostname, a PID namespace and a /proc of its own, and changes none of ours", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const before = run(["hostname"]);
    const script = "hostname; ip -o link show eth0 | wc -l; ps -A -o pid= | tr -d ' ' | tr '\\n' ,; exit 3";
    const { code, out, err } = place.cli("exec", name, "--hostname", "webby", "--pid", "sh", "-c", script);
    assert.equal(code, 3, err);
    const [hostname, links, pids] = out.split("\n");
    assert.deepEqual([hostname, links], ["webby", "1"]);
    assert.match(pids!, /^1,2,(\d,){1,4}$/);
    assert.equal(run(["hostname"]), before);
    assert.equal(place.cli("exec", name, "--pid", "no-such-thing").code, 127);
    for (const words of [
      ["--hostname", "a b"],
      ["--hostname", "x".repeat(65)],
      ["--all", "--pid"],
    ])
      assert.equal(place.cli("exec", name, ...words, "true").code, 2);
  });

  it("ends the command of --pid with itself, and passes signals to it", async () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const script = 'trap "exit 7" TERM; echo ready; while :; do read x || sleep 0.01; done';
    const line = place.host.inside([nsNet, "exec", name, "--pid", "sh", "-c", script]);
    for (const [signal, code] of [
      ["SIGTERM", 7],
      ["SIGKILL", 137],
    ] as const) {
      const child = Bun.spawn(line, { stdio: ["ignore", "pipe", "pipe"] });
      const reader = child.stdout.getReader();
      await reader.read();
      child.kill(signal);
      assert.equal(await child.exited, code);
      assert.ok((await reader.read()).done); // the pipe is closed: everything inside has ended
    }
  });

  it("enters all namespaces of a process: its files, hostname and processes", async () => {
    using place = freshPlace();
    const script =
      "hostname boxy; mount -t proc proc /proc; mount -t tmpfs own /mnt; touch /mnt/own; echo; exec sleep 1000";
    const box = Bun.spawn(
      ["unshare", ..."--mount --uts --ipc --pid --net --fork --kill-child sh -c".split(" "), script],
      { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, COLOUR: "blue" } },
    );
    try {
      await box.stdout.getReader().read();
      const pid = run(["cat", `/proc/${box.pid}/task/${box.pid}/children`]).trim();
      const look = "hostname; ls /mnt; echo $COLOUR; ps -A -o comm= | head -1; readlink /proc/self/ns/net";
      const { code, out, err } = place.cli("exec", `pid:${pid}`, "--all", "sh", "-c", look);
      assert.equal(code, 0, err);
      const inode = run(["readlink", `/proc/${pid}/ns/net`]).trim();
      assert.deepEqual(out.trim().split("\n"), ["boxy", "own", "blue", "sleep", inode]);
      assert.equal(place.cli("exec", `pid:${pid}`, "--all", "sh", "-c", "exit 5").code, 5);
      const missing = place.cli("exec", `pid:${pid}`, "--all", "no-such-thing");
      assert.equal(missing.code, 127);
      assert.match(missing.err, /^ns-net: Cannot find the command "no-such-thing" in pid:/);
    } finally {
      box.kill("SIGKILL");
      await box.exited;
    }
  });

  it("says that a namespace without a process has no others to enter", () => {
    using place = freshPlace();
    const name = place.name();
    place.must("add", name);
    const { code, err } = place.cli("exec", name, "--all", "true");
    assert.equal(code, 1);
    assert.match(err, /no process in the namespace .*\n {2}Leave --all out/);
  });
});
