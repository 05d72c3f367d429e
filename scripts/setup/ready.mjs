/**
 * Prepares a fresh clone for tests, the demonstration and measurements. Does nothing if it is prepared.
 * Plain Node without dependencies, because it installs them.
 *
 *   node scripts/setup/ready.mjs [--build] [--tools] [--clients] [--force]
 *
 *   --build   also dist/ns-net
 *   --tools   also the Debian packages that tests use as witnesses (as root; not with NSNET_TOOLS=no)
 *   --clients with --tools, also the container runtimes of test/clients
 *   --vm      with --tools, also the packages for the virtual machine of test/vm
 *   --force   generate and build even if nothing is newer
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

/** Runs a command to its end. Shows its output only if it failed. */
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

/** True if node_modules has the content of package-lock.json. npm keeps a copy of the lock file there. */
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
  // If npm must not run install scripts, bun is a stub that prints that.
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
  // A generator may leave an unchanged output alone. This run confirms it by a new date.
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
  // Written beside and then renamed, so that processes of the old executable are not disturbed.
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
    // The compiler writes the file in pieces, so the page cache holds it in small pages and each process takes 0.5 ms
    // longer. So it is copied in one piece.
    copyFileSync(beside, whole);
    // Dated by the start, so that a file saved while the compiler ran counts as newer.
    utimesSync(whole, started, started);
    renameSync(whole, executable);
  } finally {
    for (const file of [beside, whole]) rmSync(file, { force: true });
    rmSync(bundle, { recursive: true, force: true });
  }
}

/** Removes files of builds that were killed. Their names contain the process id. */
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
