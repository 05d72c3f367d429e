/** What is handed out: the manifest's words fit the command, and the package installs without asking anybody. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse as parseWords } from "../../cli/command.ts";
import { commands } from "../../cli/index.ts";
import { parseYaml } from "../../conf/yaml.ts";
import { needs } from "../support/needs.ts";
import { run } from "../support/sandbox.ts";

const root = join(import.meta.dirname, "../..");

describe("deploy/daemonset.yaml", () => {
  const path = join(root, "deploy/daemonset.yaml");
  // biome-ignore lint/suspicious/noExplicitAny: the assertions say what is expected.
  const { apiVersion, kind, spec } = parseYaml(readFileSync(path, "utf8"), path) as any;
  const pod = spec.template.spec;

  it("is a DaemonSet whose selector finds its own pods", () => {
    assert.deepEqual([apiVersion, kind], ["apps/v1", "DaemonSet"]);
    assert.deepEqual(spec.selector.matchLabels, spec.template.metadata.labels);
    assert.ok(pod.hostNetwork);
  });

  it("mounts what it names, and names what the command takes", async () => {
    const [install] = pod.initContainers;
    const volumes = pod.volumes.map(({ name }: { name: string }) => name);
    assert.deepEqual(
      install.volumeMounts.map(({ name }: { name: string }) => name),
      volumes,
    );
    const [program, name, ...words] = install.command;
    assert.deepEqual([program, name], ["/ns-net", "install"]);
    const { options } = parseWords(await commands.install.load(), "install", words);
    const mounted = install.volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath);
    assert.deepEqual(Object.values(options), mounted);
  });
});

describe("the package", function () {
  this.timeout(60_000);

  it("installs with npm install -g, offline", function () {
    needs(this, "ns-net");
    const folder = mkdtempSync(join(tmpdir(), "ns-net-pack-"));
    try {
      const cache = join(folder, "cache");
      const tarball = run(["npm", "pack", root, "--silent", "--pack-destination", folder]).trim().split("\n").at(-1)!;
      const prefix = ["--prefix", join(folder, "usr"), "--cache", cache];
      run(["npm", "install", "--global", "--offline", "--no-audit", ...prefix, join(folder, tarball)]);
      assert.match(run([join(folder, "usr/bin/ns-net"), "--version"]), /^ns-net \d/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
