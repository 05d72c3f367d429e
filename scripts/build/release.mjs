/**
 * `npm run release [-- --platform NAME … --output FOLDER]`: dist/release/, or the folder, with an archive for each
 * platform, their checksums (SHA256SUMS) and a software bill of materials (CycloneDX). An archive has the executable, the
 * documents, deploy/, examples/, completion for three shells and the manual page. The same commit gives the same bytes.
 *
 * Everything is written beside and renamed at the end: a release that fails leaves the last one as it was.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildPlatforms, platforms, run } from "./platforms.mjs";

const root = join(import.meta.dirname, "../..");
const dist = join(root, "dist");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

const documents = ["README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md", "deploy", "examples"];
const completions = { bash: "ns-net", zsh: "_ns-net", fish: "ns-net.fish" };

function askedOf() {
  const options = { platform: { type: "string", multiple: true }, output: { type: "string" } };
  const { values } = parseArgs({ options });
  const asked = values.platform ?? Object.keys(platforms);
  const unknown = asked.find((one) => !Object.hasOwn(platforms, one));
  if (unknown) throw new Error(`There is no platform ${unknown}: give one of ${Object.keys(platforms).join(", ")}`);
  return { asked, output: resolve(values.output ?? join(dist, "release")) };
}

/** Seconds since 1970 of the last commit: the date of every file in an archive. */
function dateOf() {
  const given = process.env.SOURCE_DATE_EPOCH;
  return given ?? run("git", ["log", "-1", "--format=%ct"]).trim();
}

/** The executable of this machine prints completion and manual. */
function writeTexts(folder) {
  const own = join(dist, "ns-net");
  mkdirSync(join(folder, "completion"));
  for (const [shell, file] of Object.entries(completions))
    writeFileSync(join(folder, "completion", file), run(own, ["completion", shell]));
  writeFileSync(join(folder, "ns-net.8"), run(own, ["man"]));
}

/** A tar archive with names in order, one date and no owner (reproducible-builds.org). */
function archive(folder, name, date, output) {
  const same = ["--sort=name", `--mtime=@${date}`, "--owner=0", "--group=0", "--numeric-owner", "--mode=u+rw,go=rX"];
  run("tar", [...same, "-cf", `${output}.tar`, "-C", folder, name]);
  run("gzip", ["-n", `${output}.tar`]);
  renameSync(`${output}.tar.gz`, output);
}

/** Every package of the lock file, of which the executable contains some. Without its random number and date of today. */
function billOfMaterials(date) {
  const bill = JSON.parse(run("npm", ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"]));
  delete bill.serialNumber;
  bill.metadata.component.name = "ns-net"; // npm takes the folder's
  bill.metadata.timestamp = new Date(Number(date) * 1000).toISOString();
  return `${JSON.stringify(bill, null, 2)}\n`;
}

const sha256 = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

async function release() {
  const { asked, output } = askedOf();
  const date = dateOf();
  mkdirSync(dirname(output), { recursive: true });
  const beside = mkdtempSync(`${output}-`);
  try {
    const made = join(beside, "release");
    mkdirSync(made);
    await buildPlatforms(asked, beside, (platform) => {
      const name = `ns-net-${version}-${platform}`;
      const folder = join(beside, name);
      renameSync(join(beside, platform), folder);
      chmodSync(join(folder, "ns-net"), 0o755);
      for (const one of documents) cpSync(join(root, one), join(folder, one), { recursive: true });
      writeTexts(folder);
      archive(beside, name, date, join(made, `${name}.tar.gz`));
      rmSync(folder, { recursive: true });
      console.log(`release: ${name}.tar.gz made`);
    });
    writeFileSync(join(made, `ns-net-${version}.cdx.json`), billOfMaterials(date));
    const files = readdirSync(made).sort();
    writeFileSync(join(made, "SHA256SUMS"), files.map((file) => `${sha256(join(made, file))}  ${file}\n`).join(""));
    rmSync(output, { recursive: true, force: true });
    renameSync(made, output);
    for (const file of readdirSync(output)) console.log(join(output, file));
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

try {
  await release();
} catch (error) {
  console.error(`release: ${error.message}`);
  process.exitCode = 1;
}
