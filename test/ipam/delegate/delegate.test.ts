/** Delegates that behave and misbehave, as small shell scripts. The reference's host-local is in kinds.test.ts. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { code, Fault } from "../../../conf/fault.ts";
import { delegate } from "../../../ipam/delegate/delegate.ts";
import { findPlugin } from "../../../ipam/delegate/find.ts";
import { runPlugin } from "../../../ipam/delegate/run.ts";
import { callOf } from "../../support/call.ts";
import { onlySet } from "../../support/onlySet.ts";
import { attachmentOf, deleteOf, entryOf, freshFolder, freshStore, requestOf } from "../storeWorld.ts";

const attachment = attachmentOf("web");
const ipam = { type: "delegate", plugin: "scripted" } as const;

/** A store, and a plugin that runs `script`. Every call is written to `calls`. */
function world(script: string) {
  const s = freshStore();
  const calls = join(s.dataDir, "calls");
  const log = `echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME $CNI_NETNS $(cat)" >> ${calls}`;
  const plugin = join(s.dataDir, "scripted");
  writeFileSync(plugin, `#!/bin/sh\n${log}\n${script}\n`, { mode: 0o755 });
  const call = { ipam, pluginPath: [s.dataDir], stdin: '{"its":"own key"}' };
  return {
    store: s.store,
    plugin,
    calls: () => (existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : []),
    verbs: () => (existsSync(calls) ? readFileSync(calls, "utf8").match(/^[A-Z]+/gm) : []),
    acquire: async (change = {}) =>
      delegate.acquire({
        call: callOf(),
        request: requestOf(attachment, call),
        config: ipam,
        entry: entryOf(attachment, { ipamType: "scripted", ...change }),
        store: s.store,
        hostNetworks: () => [],
      }),
    release: async () => delegate.release(deleteOf(attachment, call), s.store, callOf({ stderr: () => {} })),
    [Symbol.dispose]: () => s[Symbol.dispose](),
  };
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Fault, `expected a Fault, found ${error}`);
  return error;
}

const result = `echo '{"cniVersion":"0.3.1","ips":[{"version":"4","interface":-1,"address":"10.5.0.7/24","gateway":"10.5.0.1"}],
  "routes":[{"dst":"0.0.0.0/0"}],"dns":{"nameservers":["10.5.0.1"]}}'`;

describe("a delegate", () => {
  it("is given the same environment and bytes, and its result of any version is read", async () => {
    using w = world(result);
    assert.deepEqual(onlySet(await w.acquire()), {
      addresses: [{ address: "10.5.0.7/24", gateway: "10.5.0.1" }],
      routes: [{ dst: "0.0.0.0/0" }],
      dns: { nameservers: ["10.5.0.1"] },
      made: true,
    });
    assert.deepEqual(w.calls(), ['ADD web eth0 /run/netns/web {"its":"own key"}']);
    assert.deepEqual(w.store.find(attachment)?.addresses, [{ address: "10.5.0.7/24", gateway: "10.5.0.1" }]);
  });

  it("is not run again for the same attachment, but is for a new namespace of it", async () => {
    using w = world(result);
    await w.acquire();
    assert.equal((await w.acquire()).made, false);
    assert.deepEqual(w.verbs(), ["ADD"]);
    assert.equal((await w.acquire({ netnsInode: 5n })).made, true);
    assert.deepEqual(w.verbs(), ["ADD", "DEL", "ADD"]);
  });

  it("gets a DEL before the ADD after an interrupted one", async () => {
    using w = world(result);
    w.store.begin(entryOf(attachment), () => ({ addresses: [], reserved: [] }));
    await w.acquire();
    assert.deepEqual(w.verbs(), ["DEL", "ADD"]);
  });

  it("that fails gets a DEL, its own error is reported, and no entry is left", async () => {
    using w = world(`[ $CNI_COMMAND = DEL ] && exit 0
      echo '{"cniVersion":"1.0.0","code":11,"msg":"no lease yet","details":"the DHCP server is silent"}'; exit 1`);
    const fault = await faultOf(w.acquire());
    assert.deepEqual([fault.code, fault.message, fault.cure()], [11, "no lease yet", "the DHCP server is silent"]);
    assert.deepEqual(w.verbs(), ["ADD", "DEL"]);
    assert.equal(w.store.find(attachment), undefined);
  });

  it("keeps its entry when its DEL fails, so that the next DEL tries again", async () => {
    using w = world(`[ $CNI_COMMAND = ADD ] && ${result} && exit 0; echo broken >&2; exit 3`);
    await w.acquire();
    const fault = await faultOf(w.release());
    assert.match(fault.message, /exit status 3\) without an error message/);
    assert.match(fault.cure(), /broken/);
    assert.notEqual(w.store.find(attachment), undefined);
  });

  const answers: [string, string, number, RegExp][] = [
    ["writes no JSON", "echo hello", code.decode, /Cannot read the result of plugin/],
    ["writes an address without length", `echo '{"ips":[{"address":"10.5.0.7"}]}'`, code.config, /10\.5\.0\.7/],
    ["writes more than can be meant", "head -c 3000000 /dev/zero", code.decode, /more than 1024 KiB/],
    ["dies of a signal", "kill -SEGV $$", code.io, /killed by SIGSEGV/],
  ];
  for (const [name, script, faultCode, words] of answers) {
    it(`that ${name} is refused`, async () => {
      using w = world(`[ $CNI_COMMAND = DEL ] && exit 0\n${script}`);
      const fault = await faultOf(w.acquire());
      assert.equal(fault.code, faultCode);
      assert.match(fault.message, words);
      assert.equal(w.store.find(attachment), undefined);
    });
  }

  for (const answer of ["exit 0", "echo null", `echo '{"cniVersion":"1.1.0","ips":[]}'`]) {
    it(`that gives no address is no success: ${answer}`, async () => {
      using w = world(answer);
      const fault = await faultOf(w.acquire());
      assert.equal(fault.code, 6);
      assert.match(fault.message, /gave no address/);
      assert.equal(w.store.find(attachment), undefined);
    });
  }

  it("that writes an error has failed with any exit status", async () => {
    using w = world(`[ $CNI_COMMAND = DEL ] || echo '{"code":999,"msg":"boom","details":"why"}'`);
    const fault = await faultOf(w.acquire());
    assert.deepEqual([fault.code, fault.message, fault.cure()], [999, "boom", "why"]);
  });
});

describe("runPlugin()", () => {
  for (const [name, script] of [
    ["hangs", "exec sleep 60"],
    ["leaves a child that holds its output", "sleep 60 & exit 0"],
  ] as const) {
    it(`kills a plugin that ${name}`, async () => {
      using w = world(script);
      const startedMs = Date.now();
      const fault = await faultOf(
        runPlugin({ call: callOf(), path: w.plugin, environment: process.env, stdin: "", timeoutMs: 200 }),
      );
      assert.equal(fault.code, code.tryAgain);
      assert.ok(Date.now() - startedMs < 5000);
    });
  }

  it("passes the plugin's stderr on while it runs", () => {
    using w = world("echo 'a warning' >&2; echo '{}'");
    const script = `
      const { runPlugin } = await import(${JSON.stringify(join(import.meta.dirname, "../../../ipam/delegate/run.ts"))});
      const { callOf } = await import(${JSON.stringify(join(import.meta.dirname, "../../support/call.ts"))});
      console.log(await runPlugin({ call: callOf(), path: ${JSON.stringify(w.plugin)}, environment: process.env, stdin: "" }));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
    assert.deepEqual([stdout.trim(), stderr.trim()], ["{}", "a warning"]);
  });

  it("names a program that cannot be started", async () => {
    using folder = freshFolder();
    const path = join(folder.path, "plugin");
    writeFileSync(path, "#!/no/such/interpreter\n", { mode: 0o755 });
    const fault = await faultOf(runPlugin({ call: callOf(), path, environment: {}, stdin: "" }));
    assert.deepEqual([fault.code, fault.message.startsWith(`Cannot start plugin ${path}`)], [code.io, true]);
  });
});

describe("findPlugin()", () => {
  it("takes the first executable file of that name", () => {
    using a = freshFolder();
    using b = freshFolder();
    writeFileSync(join(a.path, "plugin"), "not executable");
    writeFileSync(join(b.path, "plugin"), "#!/bin/sh\n");
    chmodSync(join(b.path, "plugin"), 0o755);
    assert.equal(findPlugin("plugin", ["/nonexistent", a.path, b.path]), join(b.path, "plugin"));
  });

  it("names the folders it searched", () => {
    assert.throws(
      () => findPlugin("absent", ["/opt/a", "/opt/b"]),
      (fault: Fault) => fault.code === 7 && fault.message.includes('"absent" in /opt/a, /opt/b'),
    );
  });

  it("refuses a path, and this very program under another name", () => {
    using folder = freshFolder();
    symlinkSync(process.execPath, join(folder.path, "sly"));
    for (const name of ["../sly", "/bin/sh", "", ".", "sly"]) {
      assert.throws(
        () => findPlugin(name, [folder.path]),
        (fault: Fault) => fault instanceof Fault && fault.code === 7,
        name,
      );
    }
  });
});
