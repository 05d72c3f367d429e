/** The files for installation: the manifest's arguments fit the command, and the package installs offline. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse as parseWords } from "../../cli/command.ts";
import { commands } from "../../cli/index.ts";
import { parseYaml } from "../../cli/yaml.ts";
import { needs } from "../support/needs.ts";
import { run } from "../support/sandbox.ts";

const root = join(import.meta.dirname, "../..");

describe("deploy/daemonset.yaml", () => {
  const path = join(root, "deploy/daemonset.yaml");
  // biome-ignore lint/suspicious/noExplicitAny: the assertions say what is expected.
  const manifest = parseYaml(readFileSync(path, "utf8"), path) as any;
  const { apiVersion, kind, spec } = manifest;
  const pod = spec.template.spec;

  it("is a DaemonSet whose selector finds its own pods", () => {
    assert.deepEqual([apiVersion, kind], ["apps/v1", "DaemonSet"]);
    assert.deepEqual(spec.selector.matchLabels, spec.template.metadata.labels);
    assert.ok(pod.hostNetwork && pod.hostPID);
  });

  /**
   * The types of kubernetes-types come from the schema that Kubernetes publishes, so the compiler refuses unknown keys.
   */
  function compiled(manifest: object): string {
    const folder = mkdtempSync(join(tmpdir(), "ns-net-manifest-"));
    try {
      const text = `import type { DaemonSet } from "kubernetes-types/apps/v1";\nexport const it: DaemonSet = ${JSON.stringify(manifest)};\n`;
      writeFileSync(join(folder, "it.ts"), text);
      symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
      const options = ["--noEmit", "--strict", "--moduleResolution", "bundler", "--module", "preserve", "--types", ""];
      const command = [join(root, "node_modules/.bin/tsc"), "--ignoreConfig", ...options, join(folder, "it.ts")];
      return Bun.spawnSync(command).stdout.toString();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  it("fits the schema that Kubernetes publishes, and a typing mistake would fail", () => {
    assert.equal(compiled(manifest), "");
    const slip = structuredClone(manifest);
    slip.spec.template.spec.initContainers[0].volumeMounts[0].mountpath = "/host/bin";
    assert.match(compiled(slip), /mountpath"?' does not exist/);
    assert.match(compiled({ ...manifest, apiVersion: "apps/v1beta1" }), /"apps\/v1beta1"/);
  }).timeout(20_000);

  it("mounts what it names, and has arguments that the command accepts", async () => {
    const [install] = pod.initContainers;
    const volumes = pod.volumes.map(({ name }: { name: string }) => name);
    assert.deepEqual(
      install.volumeMounts.map(({ name }: { name: string }) => name),
      volumes,
    );
    const [program, name, ...words] = install.command;
    assert.deepEqual([program, name], ["/ns-net", "install"]);
    const { agent, ...options } = parseWords(await commands.install.load(), "install", words).options as {
      [name: string]: unknown;
    };
    const mounted = install.volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath);
    assert.equal(agent, true);
    assert.deepEqual(Object.values(options), mounted);
  });

  it("runs the agent of the same image, and probes what it serves", async () => {
    const [agent, ...others] = pod.containers;
    assert.deepEqual(others, []);
    assert.equal(agent.image, pod.initContainers[0].image);
    const [program, name, ...words] = agent.command;
    assert.deepEqual([program, name], ["/ns-net", "agent"]);
    const options = parseWords(await commands.agent.load(), "agent", words).options as { [name: string]: unknown };
    assert.equal(options["host-mounts"], true);
    for (const [probe, path] of [
      ["startupProbe", "/healthz"],
      ["livenessProbe", "/healthz"],
      ["readinessProbe", "/readyz"],
    ] as const) {
      const { host, port, path: asked } = agent[probe].httpGet;
      assert.deepEqual([`${host}:${port}`, asked], [options["metrics"], path]);
    }
  });
});

describe("the package", function () {
  this.timeout(60_000);

  /**
   * The content of the package, with a small script in place of the executable: packing and unpacking a hundred
   * megabytes takes ten seconds and shows nothing.
   */
  function light(folder: string): string {
    const place = join(folder, "package");
    const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    assert.ok(files.includes("dist/ns-net"));
    for (const file of ["package.json", ...files]) {
      if (!file.startsWith("dist/")) cpSync(join(root, file), join(place, file), { recursive: true });
    }
    mkdirSync(join(place, "dist"));
    writeFileSync(join(place, "dist/ns-net"), `#!/bin/sh\nexec ${join(root, "dist/ns-net")} "$@"\n`, { mode: 0o755 });
    return place;
  }

  it("installs with npm install -g, offline", function () {
    needs(this, "ns-net");
    const folder = mkdtempSync(join(tmpdir(), "ns-net-pack-"));
    try {
      const cache = join(folder, "cache");
      const tarball = run(["npm", "pack", light(folder), "--ignore-scripts", "--silent", "--pack-destination", folder])
        .trim()
        .split("\n")
        .at(-1)!;
      const prefix = ["--prefix", join(folder, "usr"), "--cache", cache];
      run(["npm", "install", "--global", "--offline", "--no-audit", ...prefix, join(folder, tarball)]);
      assert.match(run([join(folder, "usr/bin/ns-net"), "--version"]), /^ns-net \d/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
