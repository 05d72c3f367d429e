/** The house rules of ARCHITECTURE.md, read from the imports: who may use whom, what is absent where, how long a file may be. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");

/** The rooms below each room. */
const mayUse: Readonly<Record<string, readonly string[]>> = {
  netlink: [],
  conf: [],
  ipam: ["conf", "netlink"],
  plugin: ["ipam", "conf", "netlink"],
  lab: ["plugin", "ipam", "conf", "netlink"],
  cli: ["lab", "plugin", "ipam", "conf", "netlink"],
};

const linesMax = 300;

interface Import {
  readonly from: string;
  /** A file of ours relative to the root, or the name of a package. */
  readonly to: string;
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
}

const read = (file: string) => readFileSync(join(root, file), "utf8");

const files = [...new Bun.Glob(`{${Object.keys(mayUse).join(",")}}/**/*.ts`).scanSync({ cwd: root })]
  .filter((file) => !file.startsWith("conf/generated/"))
  .sort();

function importsOf(file: string): Import[] {
  const target = (name: string) => (name.startsWith(".") ? relative(root, resolve(root, dirname(file), name)) : name);
  const statements = read(file).matchAll(/^(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm);
  const calls = read(file).matchAll(/\b(?:import|require)\(\s*"([^"]+)"\s*\)/g);
  return [
    ...[...statements].map(([, type, name]) => ({
      from: file,
      to: target(name!),
      typeOnly: type !== undefined,
      dynamic: false,
    })),
    ...[...calls].map(([, name]) => ({ from: file, to: target(name!), typeOnly: false, dynamic: true })),
  ];
}

const imports = files.flatMap(importsOf);
const room = (path: string) => path.split("/")[0]!;
const said = ({ from, to }: Import) => `${from} imports ${to}`;

/** What the program has loaded before its first line runs: everything reachable from a file without `import()`. */
function loadedBy(start: string): Set<string> {
  const loaded = new Set([start]);
  for (const file of loaded) {
    for (const { from, to, typeOnly, dynamic } of imports) {
      if (from === file && !typeOnly && !dynamic) loaded.add(to);
    }
  }
  return loaded;
}

const breaking = (rule: (it: Import) => boolean) => imports.filter(rule).map(said);

describe("the house", () => {
  it("has rooms that depend one way", () => {
    // The executable is both: without CNI_COMMAND it becomes the command-line tool.
    const isDoor = ({ from, to, dynamic }: Import) => from === "main.ts" && room(to) === "cli" && dynamic;
    const ours = (path: string) => room(path) in mayUse || ["scripts", "bench", "test"].includes(room(path));
    assert.deepEqual(
      breaking(
        (it) =>
          ours(it.to) && room(it.to) !== room(it.from) && !mayUse[room(it.from)]!.includes(room(it.to)) && !isDoor(it),
      ),
      [],
    );
  });

  it("calls C only in sys/libc.ts and sysRare.ts", () => {
    assert.deepEqual(
      breaking(({ from, to }) => to === "bun:ffi" && from !== "sys/libc.ts" && from !== "sys/sysRare.ts"),
      [],
    );
  });

  it("does no I/O in conf/ and in the plan", () => {
    const pure = (file: string) =>
      room(file) === "conf" ||
      file === "plan/plan.ts" ||
      file === "plan/interface/bridge.ts" ||
      file === "plan/container.ts";
    const doesIo = (name: string) =>
      name.startsWith("bun") || room(name) === "netlink" || /^node:(fs|child_process|net|dgram|os|process)/.test(name);
    assert.deepEqual(
      breaking(({ from, to, typeOnly }) => pure(from) && !typeOnly && doesIo(to)),
      [],
    );
    const globals = files.filter(
      (file) => pure(file) && /\b(Bun\.|process\.(env|std|exit)|console\.)/.test(read(file)),
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

  it("starts nothing but a delegate and, for rules that the reference's plugins wrote, iptables", () => {
    const starts = /\b(Bun\.(spawn|spawnSync|\$)|node:child_process)/;
    // exec of the command line replaces the process by a system call, a delegate of IPAM is a program by definition.
    assert.deepEqual(
      files.filter((file) => starts.test(read(file)) && !file.startsWith("ipam/delegate/")),
      ["reference/iptables.ts"],
    );
  });

  it("loads nothing slow before ADD and DEL", () => {
    const slow = (path: string) => /^(ajv|yaml|netlink\/dist\/rt)/.test(path) || room(path) === "cli";
    for (const start of ["main.ts", "plugin/serve.ts", "plugin/add.ts", "plugin/del.ts"]) {
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
    const texts = [
      ...new Bun.Glob("{*.md,{scripts,bench,test}/**/*.{ts,mjs},.ci/run}").scanSync({ cwd: root, dot: true }),
    ];
    assert.deepEqual(
      [...files, ...texts].filter((file) => file !== "test/house.test.ts" && elsewhere.test(read(file))),
      [],
    );
  });

  it("finds imports at all", () => {
    assert.ok(imports.length > files.length, "the reader of imports is broken");
    assert.ok(loadedBy("plugin/serve.ts").size > 10, "the reader of imports follows nothing");
  });
});
