/**
 * A release for this machine's platform. The witnesses are sha256sum, tar and npm. `npm run release` itself takes minutes
 * and needs npm's registry, so it is run by hand.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { platforms, thisPlatform } from "../../../scripts/build/platforms.ts";
import { fetchRuntime } from "../../../scripts/build/runtime.ts";
import { archiveName, writeArchive } from "../../../scripts/release/archive.ts";
import { release } from "../../../scripts/release/release.ts";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { needsSandbox, run } from "../../support/sandbox.ts";

const root = join(import.meta.dirname, "../../..");
/** npm moves the runtime of this machine here. */
const runtime = join(root, "node_modules/bun/bin/bun.exe");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const billFile = `ns-net-${version}.cdx.json`;
const here = thisPlatform();
const elsewhere = platforms.find(({ cpu }) => cpu !== here.cpu)!;

/** Installs an archive with npm, without a network and with an empty cache. */
function installed(archive: string, prefix: string) {
  const options = [
    "--global",
    "--offline",
    "--no-audit",
    "--loglevel=error",
    "--cache",
    join(prefix, "cache"),
    "--prefix",
    prefix,
  ];
  const { exitCode, stderr } = Bun.spawnSync(["npm", "install", ...options, archive], { stdin: null });
  return { exitCode, said: stderr.toString() };
}

describe("A release", function () {
  this.timeout(300_000);
  let folder: string;
  let output: string;

  const made = (over: Partial<Parameters<typeof release>[0]> = {}) =>
    release({ platforms: [here], output, runnable: nsNet, compression: 1, runtimeOf: async () => runtime, ...over });

  before(function () {
    needs(this, "ns-net", "ns-net-launcher");
    folder = mkdtempSync(join(tmpdir(), "ns-net-release-"));
    output = join(folder, "release");
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  it("has an archive, a bill of materials and their checksums", async () => {
    const archive = `${archiveName(here)}.tar.gz`;
    assert.deepEqual(await made(), ["SHA256SUMS", archive, billFile].sort());
    assert.deepEqual(readdirSync(folder), ["release"]);
    assert.match(run(["sh", "-c", `cd ${output} && sha256sum --check --strict SHA256SUMS`]), /: OK\n.*: OK\n$/);
    const files = run(["tar", "-tzf", join(output, archive)]);
    for (const file of [
      ...[
        "ns-net",
        "ns-net-launcher",
        "LICENSE",
        "README.md",
        "deploy/daemonset.yaml",
        "examples/nat.yaml",
        "man/ns-net.8",
      ],
      ...["completion/ns-net.bash", "completion/_ns-net", "completion/ns-net.fish", "licenses/yaml", "licenses/bun"],
    ])
      assert.ok(files.includes(`/${file}\n`), `${file} in\n${files}`);
  });

  it("has the same executable as the build, from another folder: same sources, same bytes", () => {
    const top = archiveName(here);
    const packed = run(["sh", "-c", `tar -xzOf ${join(output, `${top}.tar.gz`)} ${top}/ns-net | sha256sum`]);
    const [built] = run(["sha256sum", nsNet]).split(" ");
    assert.equal(packed.split(" ")[0], built);
  });

  it("has the same launcher as the build", () => {
    const top = archiveName(here);
    const packed = run(["sh", "-c", `tar -xzOf ${join(output, `${top}.tar.gz`)} ${top}/ns-net-launcher | sha256sum`]);
    assert.equal(packed.split(" ")[0], run(["sha256sum", `${nsNet}-launcher`]).split(" ")[0]);
  });

  it("is installed by npm without a network, with its manual page", () => {
    const prefix = join(folder, "usr");
    const { exitCode, said } = installed(join(output, `${archiveName(here)}.tar.gz`), prefix);
    assert.equal(exitCode, 0, said);
    assert.match(run([join(prefix, "bin/ns-net"), "--version"]), /^ns-net \d/);
    assert.match(readFileSync(join(prefix, "share/man/man8/ns-net.8"), "utf8"), /^\.TH/m);
  });

  it("lists what is compiled in, and nothing else", () => {
    const bill = JSON.parse(readFileSync(join(output, billFile), "utf8"));
    assert.deepEqual([bill.bomFormat, bill.metadata.component.name], ["CycloneDX", "ns-net"]);
    const names = bill.components.map(({ name }: { name: string }) => name);
    assert.deepEqual(names.sort(), [
      ...["@dagrejs/dagre", "@leichtgewicht/ip-codec", here.runtime],
      ...["dns-packet", "prom-client", "yaml"],
    ]);
    for (const { hashes, licenses, purl } of bill.components) assert.ok(hashes && licenses && purl, purl);
    assert.ok(!JSON.stringify(bill).includes(root), "a folder of this machine is in it");
  });

  it("for another platform is the same archive each time, and npm refuses it here", async () => {
    const executable = join(folder, "executable");
    writeFileSync(executable, "for another machine");
    const hashes: string[] = [];
    for (const place of ["first", "second"].map((name) => join(folder, name))) {
      mkdirSync(place);
      const content = {
        executable,
        launcher: executable,
        runnable: nsNet,
        date: 1_700_000_000,
        added: {},
        compression: 9,
      };
      const archive = join(place, await writeArchive(elsewhere, place, content));
      hashes.push(run(["sha256sum", archive]).split(" ")[0]!);
      await Bun.sleep(1100); // tar's and gzip's dates are in seconds
    }
    assert.equal(hashes[0], hashes[1]);
    const prefix = join(folder, "other");
    const { exitCode, said } = installed(join(folder, "first", `${archiveName(elsewhere)}.tar.gz`), prefix);
    assert.notEqual(exitCode, 0);
    assert.match(said, /EBADPLATFORM/);
    assert.ok(!existsSync(join(prefix, "bin/ns-net")));
  });

  it("that lacks a platform's runtime leaves the earlier release as it was, and nothing beside it", async () => {
    const before = run(["sha256sum", join(output, "SHA256SUMS")]);
    const runtimeOf = async ({ name }: { name: string }) => {
      if (name === elsewhere.name) throw new Error("no runtime");
      return runtime;
    };
    await assert.rejects(made({ platforms: [here, elsewhere], runtimeOf }), /^Error: no runtime$/);
    assert.equal(run(["sha256sum", join(output, "SHA256SUMS")]), before);
    assert.deepEqual(
      readdirSync(folder).filter((name) => /release/.test(name)),
      ["release"],
    );
  });

  it("never replaces a folder that is no release", async () => {
    const precious = join(folder, "precious");
    mkdirSync(precious);
    writeFileSync(join(precious, "letter"), "dear");
    await assert.rejects(
      made({ output: precious }),
      /precious is not an earlier release, it has no SHA256SUMS: give a folder/,
    );
    assert.deepEqual(readdirSync(precious), ["letter"]);
  });
});

/** Sets variables until it is disposed of. */
function environment(variables: Record<string, string>): Disposable {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  return {
    [Symbol.dispose]() {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    },
  };
}

describe("Bun's runtime for a release", function () {
  this.timeout(120_000);
  const withStock = async (use: (stock: string) => Promise<void>) => {
    const stock = mkdtempSync(join(tmpdir(), "ns-net-runtimes-"));
    try {
      await use(stock);
    } finally {
      rmSync(stock, { recursive: true, force: true });
    }
  };

  it("without a network is one sentence with two cures, and no half of a file", async function () {
    needsSandbox(this);
    await withStock(async (stock) => {
      // An empty cache, because npm would use what it read before.
      using _npm = environment({ npm_config_cache: join(stock, "cache"), npm_config_registry: "http://127.0.0.1:9" });
      await assert.rejects(fetchRuntime(elsewhere, stock), ({ message }: Error) => {
        assert.match(
          message,
          /^Cannot get Bun's runtime for linux-\w+: .+\. Connect to npm's registry and run this again;/,
        );
        assert.match(message, /or run "npm pack @oven\/bun-linux-\w+@[\d.]+" elsewhere and put the file into .+\/$/);
        assert.ok(!message.includes("\n"), message);
        return true;
      });
      assert.deepEqual(
        readdirSync(stock).filter((name) => name !== "cache"),
        [],
      );
    });
  });

  it("that is not the one in package-lock.json is refused", () =>
    withStock(async (stock) => {
      const { version } = JSON.parse(readFileSync(join(root, "node_modules/bun/package.json"), "utf8"));
      const file = join(stock, `${elsewhere.runtime.replace("@", "").replace("/", "-")}-${version}.tgz`);
      writeFileSync(file, "something else");
      await assert.rejects(
        fetchRuntime(elsewhere, stock),
        /is not the package that package-lock\.json describes .*: delete it, and run this again$/,
      );
    }));
});

describe("npm run release", function () {
  this.timeout(60_000);
  const said = (words: string[], environment: Record<string, string> = {}) => {
    const command = [process.execPath, join(root, "scripts/release/main.ts"), ...words];
    const { exitCode, stdout, stderr } = Bun.spawnSync(command, { env: { ...process.env, ...environment } });
    return [exitCode, stdout.toString(), stderr.toString()] as const;
  };

  it("refuses a platform that it does not know", () => {
    assert.deepEqual(said(["--platform", "linux-riscv"]), [
      1,
      "",
      'release: Unknown platform "linux-riscv": write linux-x64, linux-x64-musl, linux-arm64, linux-arm64-musl\n',
    ]);
  });

  it("refuses a date that is none", () => {
    const [code, , err] = said(["--output", "/nowhere/release"], { SOURCE_DATE_EPOCH: "today" });
    assert.deepEqual([code, err], [1, 'release: SOURCE_DATE_EPOCH must be seconds since 1970, not "today"\n']);
  });
});
