/**
 * Prepares a fresh clone for tests, the demonstration and measurements. Does nothing if it is prepared.
 * Plain Node without dependencies, because it installs them.
 *
 *   node scripts/setup/ready.mjs [--build] [--tools] [--clients] [--force]
 *
 *   --build   also dist/ns-net and, where there is a C compiler, dist/ns-net-launcher
 *   --tools   also the Debian packages that tests use as witnesses (as root; not with NSNET_TOOLS=no)
 *   --clients with --tools, also the container runtimes of test/clients
 *   --vm      with --tools, also the packages for the virtual machine of test/vm
 *   --force   generate and build even if nothing is newer
 *   --next    prints what to do with dist/ns-net
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { compile } from "../build/compile.mjs";
import { compileLauncher } from "../build/launcher.mjs";
import { floors } from "./folders.mjs";
import { isOlder } from "./fresh.mjs";
import { phase } from "./phase.mjs";
import { ProgramFailed, run } from "./process.mjs";
import { removeRemains } from "./remains.mjs";
import { readyTools } from "./tools.mjs";

const root = join(import.meta.dirname, "../..");
const bun = join(root, "node_modules/.bin/bun");
const options = new Set(process.argv.slice(2));

const nodeMajorMin = 20;

/** A phase that is one program. */
const runPhase = (what, command, args, cwd = root) => phase(what, () => run(command, args, { cwd }));

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

const registryCure = "It needs npm's registry. Connect this machine to it, or fill npm's cache, and run this again";

async function install() {
  if (installed()) return;
  const options = ["--no-audit", "--no-fund", "--loglevel=error"];
  await runPhase("install the dependencies (npm ci)", "npm", ["ci", ...options]).catch((error) => {
    error.cure = registryCure;
    throw error;
  });
  // If npm must not run install scripts, bun is a stub that prints that.
  if (spawnSync(bun, ["--version"]).status !== 0) {
    await runPhase("put bun in its place", process.execPath, [join(root, "node_modules/bun/install.js")]);
  }
}

const executable = join(root, "dist/ns-net");
const generator = join(root, "scripts/build/validators.ts");

/** The validators: ajv's output, compiled from conf/schema/. */
async function generate() {
  if (!existsSync(generator)) return;
  const output = join(root, "conf/generated/common.js");
  const sources = [generator, join(root, "conf/schema"), join(root, "package-lock.json")];
  if (!options.has("--force") && !isOlder(output, sources)) return;
  await runPhase("generate the validators", bun, [generator]);
  // A generator may leave an unchanged output alone. This run confirms it by a new date.
  if (existsSync(output)) utimesSync(output, new Date(), new Date());
}

async function build() {
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
  const beside = join(root, `dist/ns-net-build.${process.pid}`);
  removeRemains(join(root, "dist"));
  mkdirSync(beside, { recursive: true });
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  try {
    await runPhase("bundle the code", bun, [join(root, "scripts/build/bundle.ts"), join(beside, "bundle")]);
    await phase("compile dist/ns-net", async () => {
      const compiled = await compile(bun, beside, version);
      // The compiler writes the file in pieces, so the page cache holds it in small pages and each process takes 0.5 ms
      // longer. So it is copied in one piece.
      const whole = `${compiled}.whole`;
      copyFileSync(compiled, whole);
      // Dated by the start, so that a file saved while the compiler ran counts as newer.
      utimesSync(whole, started, started);
      renameSync(whole, executable);
    });
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

const launcher = join(root, "dist/ns-net-launcher");

/** Nothing but `ns-net install --agent` needs the launcher, so a machine without a compiler goes without. */
async function buildLauncher() {
  const source = "agent/launcher/launcher.c";
  const sources = [source, "scripts/build/launcher.mjs", "package.json"].map((file) => join(root, file));
  if (!options.has("--force") && !isOlder(launcher, sources)) return;
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const started = new Date();
  const beside = `${launcher}.${process.pid}`;
  mkdirSync(join(root, "dist"), { recursive: true });
  try {
    await compileLauncher(process.arch, version, beside);
    utimesSync(beside, started, started);
    renameSync(beside, launcher);
  } catch (error) {
    rmSync(launcher, { force: true }); // of an earlier version, perhaps
    console.error(`ready: no dist/ns-net-launcher, which only ns-net install --agent needs: ${error.message}`);
  } finally {
    rmSync(beside, { force: true });
  }
}

/** A person's next steps. Plain `npm link` needs npm's folder on root's PATH, which `sudo` often leaves out. */
function printNext() {
  const sudo = process.getuid?.() === 0 ? "" : "sudo ";
  const megabytes = Math.round(statSync(executable).size / 1e6);
  console.error(`
dist/ns-net is one file of ${megabytes} MB for ${process.platform}-${process.arch}. To call it as ns-net:

  ${sudo}install dist/ns-net /usr/local/bin/

Then, for example: ${sudo}ns-net add web --publish 8080:80`);
}

if (Number(process.versions.node.split(".")[0]) < nodeMajorMin) {
  console.error(`ready: needs Node ${nodeMajorMin} or later, this is ${process.version}`);
  process.exit(1);
}
try {
  await install();
  await generate();
  if (options.has("--build")) {
    await build();
    await buildLauncher();
  }
  if (options.has("--tools")) {
    await readyTools({ withClients: options.has("--clients"), withMachine: options.has("--vm") });
  }
  if (options.has("--next")) printNext();
} catch (error) {
  if (!(error instanceof ProgramFailed)) throw error;
  process.stderr.write(`${error.said.trimEnd()}\nready: ${error.message}\n`);
  if (error.cure) console.error(`  ${error.cure}`);
  process.exit(1);
}
