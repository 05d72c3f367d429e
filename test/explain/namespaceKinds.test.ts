/** The namespaces of a process. The witnesses are `ls -l /proc/PID/ns` and lsns(8). */
import assert from "node:assert/strict";
import { kindsInOrder, namespacesOf, processesIn } from "../../explain/namespaceKinds.ts";
import { namespaceKinds } from "../../sys/namespaces/kinds.ts";
import { freshNetns, needsSandbox, run } from "../support/sandbox.ts";

/** The inode of each kind as readlink(1) prints it. */
function witness(pid: number): Record<string, number> {
  return Object.fromEntries(
    kindsInOrder.map((kind) => [kind, Number(/\[(\d+)\]/.exec(run(["readlink", `/proc/${pid}/ns/${kind}`]))![1])]),
  );
}

/** A program that waits in namespaces of its own until its input ends. */
async function waiting(command: readonly string[]) {
  const child = Bun.spawn([...command, "sh", "-c", "echo $$; read _"], { stdin: "pipe", stdout: "pipe" });
  await child.stdout.getReader().read();
  return {
    pid: child.pid,
    end: async () => {
      child.stdin.end();
      await child.exited;
    },
  };
}

describe("the namespaces of a process", () => {
  before(function () {
    needsSandbox(this);
  });

  it("are eight, each by its inode", async () => {
    assert.deepEqual(kindsInOrder, ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"]);
    assert.equal(Object.keys(namespaceKinds).length, 8);
    const child = await waiting(["unshare", "--net", "--uts"]);
    assert.deepEqual(namespacesOf(child.pid), witness(child.pid));
    const [own, other] = [namespacesOf("self"), namespacesOf(child.pid)];
    const differing = kindsInOrder.filter((kind) => own[kind] !== other[kind]);
    assert.deepEqual(differing, ["net", "uts"]);
    await child.end();
    assert.deepEqual(new Set(Object.values(namespacesOf(child.pid))), new Set([undefined]));
  });

  it("have their processes", async () => {
    using netns = freshNetns("kinds");
    const [first, second] = [await waiting(netns.inside([])), await waiting(netns.inside([]))];
    const inode = namespacesOf(first.pid).net!;
    assert.equal(inode, Number(run(["stat", "-L", "-c", "%i", netns.path])));
    const expected = [first.pid, second.pid].sort((a, b) => a - b);
    assert.deepEqual(
      processesIn("net", inode),
      expected.map((pid) => ({ pid, command: "sh" })),
    );
    await first.end();
    await second.end();
    assert.deepEqual(processesIn("net", inode), []);
  });
});
