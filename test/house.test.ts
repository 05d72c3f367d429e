/**
 * The rules of ARCHITECTURE.md, read from the sources: the allowed imports, what loads when, what must be absent where.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { floors } from "../scripts/setup/folders.mjs";

const root = resolve(import.meta.dirname, "..");

const linesMax = 300;
const filesInFolderMax = 20;

interface Import {
  readonly from: string;
  /** A file of ours relative to the root, or the name of a package. */
  readonly to: string;
  readonly typeOnly: boolean;
  /** `import defer`, or `import()`: not evaluated when the file is. */
  readonly isLater: boolean;
}

const read = (file: string) => readFileSync(join(root, file), "utf8");

const sourcesIn = (folder: string) =>
  folder.endsWith(".ts") ? [folder] : [...new Bun.Glob(`${folder}/**/*.ts`).scanSync({ cwd: root })];
const files = floors
  .flat()
  .flatMap(sourcesIn)
  .filter((file) => !file.startsWith("conf/generated/"))
  .sort();

/** Files beside the sources: documents, tests, and scripts. */
const texts = ["*.md", ".ci/run", ...["scripts", "bench", "test", "torture"].map((folder) => `${folder}/**/*.{ts,mjs}`)]
  .flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: root, dot: true })])
  .sort();

function importsOf(file: string): Import[] {
  const target = (name: string) => (name.startsWith(".") ? relative(root, resolve(root, dirname(file), name)) : name);
  const statements = read(file).matchAll(/^(?:import|export)\s+(type\s|defer\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm);
  const calls = read(file).matchAll(/\b(?:import|require)\(\s*"([^"]+)"\s*\)/g);
  return [
    ...[...statements].map(([, word, name]) => ({
      ...{ from: file, to: target(name!), typeOnly: word?.trim() === "type", isLater: word?.trim() === "defer" },
    })),
    ...[...calls].map(([, name]) => ({ from: file, to: target(name!), typeOnly: false, isLater: true })),
  ];
}

const imports = files.flatMap(importsOf);
const folderOf = (path: string) => path.split("/")[0]!;
const isOurs = (path: string) => files.includes(path);
const said = ({ from, to }: Import) => `${from} imports ${to}`;
const breaking = (rule: (it: Import) => boolean) => imports.filter(rule).map(said);

/** The modules that the program has loaded before its first line runs. */
function loadedBy(start: string): Set<string> {
  const loaded = new Set([start]);
  for (const file of loaded) {
    for (const { from, to, typeOnly, isLater } of imports) if (from === file && !typeOnly && !isLater) loaded.add(to);
  }
  return loaded;
}

/** The first circle of imports that can be found, types included, or nothing. */
function circle(): string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const { from, to } of imports) {
      const found = from === file && isOurs(to) ? visit(to) : undefined;
      if (found) return found;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of files) {
    const found = visit(file);
    if (found) return found;
  }
  return [];
}

/** host-local, which is below step/, reads the step of a takeover. */
const declaresStep = (file: string) => folderOf(file) === "step" || file === "ipam/hostLocal/adopted.ts";
const stepKinds = new Set(
  files
    .filter(declaresStep)
    .flatMap((file) => [...read(file).matchAll(/^ {2}readonly kind: "(\w+)";$/gm)].map(([, kind]) => kind!)),
);

/** The lines of a source that branch on the kind of a step, each with a sentence. */
function branchesOnSteps(source: string): string[] {
  const found: string[] = [];
  let isSwitch = false;
  source.split("\n").forEach((line, i) => {
    isSwitch = /\bswitch \(/.test(line) ? /\bkind\) \{/.test(line) : isSwitch;
    const compared = line.matchAll(/\bkind\)? ?[!=]==? ?"(\w+)"|"(\w+)" ?[!=]==? ?[\w.?!]*\bkind\b|\bcase "(\w+)":/g);
    for (const [text, a, b, inCase] of compared) {
      const kind = a ?? b ?? inCase!;
      if (stepKinds.has(kind) && (inCase === undefined || isSwitch))
        found.push(`${i + 1}: ${text} asks for steps of kind ${kind}`);
    }
    const [asked] = /\.includes\((\w+\.)*kind\)|\bisStep[<(]/.exec(line) ?? [];
    if (asked !== undefined) found.push(`${i + 1}: ${asked} asks for steps of some kinds`);
  });
  return found;
}

describe("the house", () => {
  it("has floors: a file imports from its own folder and from lower ones", () => {
    const floorOf = (path: string) => floors.findIndex((folders) => folders.includes(folderOf(path)));
    const isUpward = ({ from, to }: Import) =>
      folderOf(from) !== folderOf(to) && (isOurs(to) || floorOf(to) >= 0) && floorOf(to) <= floorOf(from);
    const order = floors.map((folders) => folders.join(" and ")).join(" > ");
    const wrong = imports
      .filter(isUpward)
      .map((one) => `${said(one)}: ${folderOf(one.to)} is not below ${folderOf(one.from)}`);
    assert.deepEqual(wrong, [], `The order of the folders is ${order}`);
    const outside = breaking(({ to }) => /^(scripts|bench|test|torture)\//.test(to));
    assert.deepEqual(outside, [], "The program needs nothing of what builds and tests it");
  });

  it("reads no global of the process in a verb: one process may serve calls of several hosts", () => {
    const floorsOfVerbs = ["plugin", "plan", "step", "ipam"];
    // The call that the process is; and the message bus, of which a machine has one.
    const allowed = ["plugin/processCall.ts", "plugin/main.ts", "step/firewalld/bus.ts"];
    const asks = /\bprocess\.(?!geteuid)\w+|\b(?:open)?[oO]wnNetns\(|\bnew NetlinkSocket\(|\bopenKernel\(\)/;
    const found = files
      .filter((file) => floorsOfVerbs.includes(folderOf(file)) && !allowed.includes(file))
      .flatMap((file) => {
        const code = read(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*|`[^`]*`/g, "");
        return asks.test(code) ? [`${file}: ${asks.exec(code)![0]}`] : [];
      });
    assert.deepEqual(found, []);
    assert.ok(asks.test(read("plugin/processCall.ts")), "the rule finds nothing");
  });

  it("has no two files that import each other, types included", () => {
    assert.equal(circle().join(" imports "), "");
  });

  it(`has no folder with more than a quarter of the code, or with more than ${filesInFolderMax} files of its own`, () => {
    const lines = new Map<string, number>();
    const count = new Map<string, number>();
    for (const file of files) {
      lines.set(folderOf(file), (lines.get(folderOf(file)) ?? 0) + read(file).split("\n").length);
      count.set(dirname(file), (count.get(dirname(file)) ?? 0) + 1);
    }
    const all = [...lines.values()].reduce((sum, one) => sum + one, 0);
    assert.deepEqual(
      [...lines].filter(([, own]) => own > all / 4),
      [],
    );
    assert.deepEqual(
      [...count].filter(([, own]) => own > filesInFolderMax),
      [],
    );
  });

  it("calls C only in sys/", () => {
    assert.deepEqual(
      breaking(({ from, to }) => to === "bun:ffi" && folderOf(from) !== "sys"),
      [],
    );
  });

  it("does no I/O in conf/ and plan/", () => {
    const isPure = (file: string) => folderOf(file) === "conf" || folderOf(file) === "plan";
    const doesIo = (name: string) =>
      name.startsWith("bun") || /^node:(fs|child_process|net|dgram|os|process)/.test(name);
    assert.deepEqual(
      breaking(({ from, to, typeOnly }) => isPure(from) && !typeOnly && doesIo(to)),
      [],
    );
    const globals = files.filter(
      (file) => isPure(file) && /\b(Bun\.|process\.(env|std|exit)|console\.)/.test(read(file)),
    );
    assert.deepEqual(globals, []);
  });

  it("keeps rtnetlink and nf_tables apart", () => {
    const [route, nft] = ["netlink/route/", "netlink/nft/"] as const;
    const crosses = (from: string, to: string, a: string, b: string) => from.startsWith(a) && to.startsWith(b);
    assert.deepEqual(
      breaking(({ from, to }) => crosses(from, to, route, nft) || crosses(from, to, nft, route)),
      [],
    );
  });

  it("starts only a delegate, for rules of the reference's plugins iptables, to install a service systemctl, and programs that print for doctor --bundle", () => {
    const starts = /\b(Bun\.(spawn|spawnSync|\$)|node:child_process)/;
    // The command exec replaces the process by a system call; a delegate of IPAM is a program by definition.
    assert.deepEqual(
      files.filter((file) => starts.test(read(file)) && !file.startsWith("ipam/delegate/")),
      ["cli/doctor/programs.ts", "cli/install/unit.ts", "reference/iptables.ts"],
    );
  });

  it("opens the store where it can be rebuilt from the kernel: by plugin/recovery/", () => {
    const opens = (file: string) => /\bopen(Existing)?Store\b/.test(read(file).replace(/"[^"]*"/g, ""));
    const elsewhere = files.filter((file) => opens(file) && !/^(store|plugin\/recovery)\//.test(file));
    // A copy; and what a rebuilt store has not.
    const exempt = ["cli/dryRun.ts", "plugin/handedOver.ts"];
    assert.deepEqual(elsewhere, exempt, "write: import { openExisting, openOrCreate }");
  });

  it("loads its own files at once or by import defer, commands and packages by import()", () => {
    const requires = files.filter((file) => /\brequire\(|as typeof import\(/.test(read(file)));
    assert.deepEqual(requires, [], "write: import defer * as name from …");
    const calls = files.flatMap((file) => {
      return [...read(file).matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g)].map(([, name]) => `${file} ${name}`);
    });
    const isAllowed = (call: string) => /^cli\/index\.ts \.\/command\//.test(call) || !/ \./.test(call);
    assert.deepEqual(
      calls.filter((call) => !isAllowed(call)),
      [],
    );
  });

  it("loads nothing slow before ADD and DEL", () => {
    const slow = (path: string) =>
      /^(ajv|yaml|netlink\/dist\/rt|node:fs|node:os)/.test(path) || folderOf(path) === "cli";
    for (const start of ["main.ts", "plugin/main.ts", "plugin/add.ts", "plugin/del.ts"]) {
      assert.deepEqual([...loadedBy(start)].filter(slow), [], `loaded by ${start}`);
    }
  });

  it(`has files of at most ${linesMax} lines`, () => {
    const length = (file: string) => read(file).trimEnd().split("\n").length;
    const own = [...new Bun.Glob("{scripts,bench}/**/*.{ts,mjs}").scanSync({ cwd: root })];
    assert.deepEqual(
      [...files, ...own].filter((file) => length(file) > linesMax),
      [],
    );
  });

  it("has no drawer for odds and ends", () => {
    const drawers = /(^|\/)(utils?|helpers?|common|misc|manager)(\.ts|\/)/;
    assert.deepEqual(
      files.filter((file) => drawers.test(file)),
      [],
    );
  });

  it("speaks of ns-net alone, not of where and how it was written", () => {
    const elsewhere = new RegExp(`${root}\\b|/home/|/Users/|\\b(TODO|FIXME|founders?|language model)\\b`);
    assert.deepEqual(
      [...files, ...texts].filter((file) => file !== "test/house.test.ts" && elsewhere.test(read(file))),
      [],
    );
  });

  it("names, in comments and documents, files that exist", () => {
    const all = [...files, ...texts.filter((file) => file !== "CHANGELOG.md" && file !== "test/house.test.ts")];
    const exists = (name: string) => [...files, ...texts].some((path) => path === name || path.endsWith(`/${name}`));
    const isProse = (line: string, file: string) =>
      file.endsWith(".md") || /^\s*(\/\/|\/?\*)|\/\*\*|\s\/\/ /.test(line);
    const lost = all.flatMap((file) =>
      read(file)
        .split("\n")
        .filter((line) => isProse(line, file))
        .flatMap((line) => line.match(/(?<![\w./-])(?:[\w-]+\/)*[\w-]+\.(?:ts|mjs)\b/g) ?? [])
        .filter((name) => !exists(name))
        .map((name) => `${file} names ${name}`),
    );
    assert.deepEqual(lost, []);
  });

  it("branches on the kind of a step only in step/", () => {
    const wrong = files
      .filter((file) => !declaresStep(file))
      .flatMap((file) => branchesOnSteps(read(file)).map((line) => `${file}:${line}`));
    assert.deepEqual(wrong, [], "let each kind declare what it is in step/kind.ts, and ask that");
    assert.ok(stepKinds.size > 30, "the reader of kinds is broken");
    const samples = [
      'if (step.kind === "veth") return;',
      'if ("veth" !== step?.kind) return;',
      'switch (step.kind) {\n  case "veth":',
      "lasting.includes(step.kind)",
      'isStep<VethStep>("veth", step)',
    ];
    for (const sample of samples) assert.equal(branchesOnSteps(sample).length, 1, sample);
    for (const sample of ['info?.kind === "ifb"', 'switch (key) {\n  case "device":'])
      assert.deepEqual(branchesOnSteps(sample), []);
  });

  it("has a file and two lines of step/index.ts for each kind of step, and no more", () => {
    const exported = files
      .filter(declaresStep)
      .flatMap((file) =>
        [...read(file).matchAll(/^export const (\w+): Kind</gm)].map(([, kind]) => ({ kind: kind!, file })),
      );
    assert.deepEqual(exported.map(({ kind }) => kind).sort(), [...stepKinds].sort());
    assert.equal(new Set(exported.map(({ file }) => file)).size, exported.length, "a file is a kind");
    const index = read("step/index.ts")
      .split("\n")
      .filter((line) => !/^\s*(\/?\*|\/\/)/.test(line))
      .map((line) => line.replace(/"[^"]*"/g, ""));
    const lines = (kind: string) => index.filter((line) => new RegExp(`\\b${kind}\\b`).test(line)).length;
    assert.deepEqual(
      [...stepKinds].filter((kind) => lines(kind) !== 2),
      [],
      "step/index.ts has an import of a kind, and its name in one group",
    );
  });

  it("finds imports at all", () => {
    assert.ok(imports.length > files.length, "the reader of imports is broken");
    assert.ok(loadedBy("plugin/main.ts").size > 10, "the reader of imports follows nothing");
    assert.ok(imports.some(({ isLater }) => isLater) && files.includes("main.ts"));
    assert.ok(texts.length > 100, "the documents and tests are not found");
  });
});
