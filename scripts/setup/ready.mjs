/**
 * Makes a fresh clone ready to test, show or measure, and does nothing when it is ready already.
 * Plain Node without dependencies, because it is what installs them.
 *
 *   node scripts/setup/ready.mjs [--build] [--tools] [--clients] [--force]
 *
 *   --build   also dist/ns-net
 *   --tools   also the Debian packages that tests take as witnesses (as root; NSNET_TOOLS=no leaves the machine alone)
 *   --clients with --tools, also the container runtimes of test/clients
 *   --vm      with --tools, also what the virtual machine of test/vm is made of
 *   --force   generate and build even when nothing is newer
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { compileArguments } from "../build/compile.mjs";
import { seal } from "../build/seal.mjs";
import { floors } from "./folders.mjs";
import { isOlder } from "./fresh.mjs";
import { readyTools } from "./tools.mjs";

const root = join(import.meta.dirname, "../..");
const bun = join(root, "node_modules/.bin/bun");
const options = new Set(process.argv.slice(2));

const nodeMajorMin = 20;

/** Runs to the end, quietly; what it printed is shown only when it failed. */
function run(what, command, args) {
  const startMs = Date.now();
  const done = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 64 << 20 });
  if (done.status !== 0) {
    process.stderr.write(`${done.stdout ?? ""}${done.stderr ?? ""}`);
    console.error(`ready: ${what} failed: ${command} ${args.join(" ")}${done.error ? `: ${done.error.message}` : ""}`);
    process.exit(1);
  }
  console.error(`ready: ${what} (${((Date.now() - startMs) / 1000).toFixed(1)} s)`);
}

/** True when node_modules holds what package-lock.json names. npm keeps its own copy of the lock file there, so no stamp is needed. */
function installed() {
  const copy = join(root, "node_modules/.package-lock.json");
  if (!existsSync(copy) || !existsSync(bun)) return false;
  const have = JSON.parse(readFileSync(copy, "utf8")).packages;
  const want = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  return Object.entries(want).every(
    ([path, { version, integrity, optional }]) =>
      path === "" ||
      (have[path]?.version === version && have[path]?.integrity === integrity) ||
      (optional && have[path] === undefined),
  );
}

function install() {
  if (installed()) return;
  run("dependencies installed", "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  // Where npm may not run install scripts, bun is a stub that says so.
  if (spawnSync(bun, ["--version"]).status !== 0) {
    run("bun put in place", process.execPath, [join(root, "node_modules/bun/install.js")]);
  }
}

const executable = join(root, "dist/ns-net");
const generator = join(root, "scripts/build/validators.ts");

/** The validators: ajv's output, compiled from conf/schema/. */
function generate() {
  if (!existsSync(generator)) return;
  const output = join(root, "conf/generated/common.js");
  const sources = [generator, join(root, "conf/schema"), join(root, "package-lock.json")];
  if (!options.has("--force") && !isOlder(output, sources)) return;
  run("validators generated", bun, [generator]);
  // An output that came out the same keeps its old date if the generator leaves it alone; this run vouches for it.
  if (existsSync(output)) utimesSync(output, new Date(), new Date());
}

function build() {
  const sources = [
    ...floors.flat().map((folder) => join(root, folder)),
    ...[
      "package.json",
      "package-lock.json",
      "scripts/setup/ready.mjs",
      "scripts/build/compile.mjs",
      "scripts/build/seal.mjs",
      "scripts/build/bundle.ts",
      "scripts/build/modules.ts",
    ].map((f) => join(root, f)),
  ];
  if (!options.has("--force") && !isOlder(executable, sources)) return;
  if (!existsSync(join(root, "main.ts"))) return console.error("ready: nothing to build, main.ts is missing");

  const started = new Date();
  // Written beside and moved into place: whoever runs the old one at this moment is not disturbed.
  const beside = `${executable}.building.${process.pid}`;
  const whole = `${beside}.whole`;
  const bundle = join(root, `dist/bundle.${process.pid}`);
  mkdirSync(join(root, "dist"), { recursive: true });
  removeRemains(join(root, "dist"));
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  try {
    run("code bundled", bun, [join(root, "scripts/build/bundle.ts"), bundle]);
    run("dist/ns-net built", bun, [...compileArguments(bundle, version), ...["--outfile", beside]]);
    seal(beside);
    // As the compiler writes it, in pieces, the page cache holds it in small pages: each process is 0.5 ms slower.
    copyFileSync(beside, whole);
    // Dated by the start, so that a file saved while the compiler ran counts as newer.
    utimesSync(whole, started, started);
    renameSync(whole, executable);
  } finally {
    for (const file of [beside, whole]) rmSync(file, { force: true });
    rmSync(bundle, { recursive: true, force: true });
  }
}

/** What builds have left that were killed: its name says which process's it was. */
function removeRemains(folder) {
  for (const name of readdirSync(folder)) {
    const pid = /^(?:bundle|ns-net\.building)\.(\d+)/.exec(name)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

if (Number(process.versions.node.split(".")[0]) < nodeMajorMin) {
  console.error(`ready: needs Node ${nodeMajorMin} or later, this is ${process.version}`);
  process.exit(1);
}
install();
generate();
if (options.has("--build")) build();
if (options.has("--tools")) {
  readyTools({ withClients: options.has("--clients"), withMachine: options.has("--vm") });
}
