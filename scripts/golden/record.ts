/**
 * `npm run golden [name …]`: lets `ip` and `nft` send what our codecs must send, in its own sandbox, and writes the
 * bytes to test/golden/NAME.hex. The first line is the command. All lines are generated.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findSandbox, sandboxEnvironment, sandboxMark } from "../sandbox.ts";
import { findProgram } from "../setup/tools.mjs";
import { annotate } from "./annotate.ts";
import { type Capture, captures } from "./captures.ts";
import { type SentMessage, sentMessages } from "./strace.ts";

const folder = join(import.meta.dirname, "../../test/golden");

/** Commands of ip, bridge and tc as they are; anything else is a line for nft. */
function argv(command: string): string[] {
  return /^(ip|bridge|tc) /.test(command) ? command.split(" ") : ["nft", command];
}

const isNft = (command: string) => argv(command)[0] === "nft";

/** Each capture starts in an empty namespace, so that indexes and handles are the same every time. */
function inFreshNetns(commands: readonly string[][]): { code: number; stderr: string } {
  const quoted = commands.map((words) => words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" "));
  const script = ["set -e", "ip netns delete pod 2>/dev/null || true", "ip link set lo up", ...quoted].join("\n");
  const done = Bun.spawnSync(["unshare", "--net", "sh", "-c", script], { stdin: "ignore" });
  return { code: done.exitCode, stderr: done.stderr.toString() };
}

/** True for a request that changes something: no look-up and no dump. */
function changes({ bytes }: SentMessage, nft: boolean): boolean {
  const type = bytes[4]! | (bytes[5]! << 8);
  // `ip` first sends an empty request about no link, to find out whether the kernel checks lengths strictly.
  const isProbe = type === 16 && bytes.length === 32 && bytes.slice(16).every((byte) => byte === 0);
  if (!nft) return type >= 16 && type % 4 !== 2 && !isProbe;
  const isBatchEdge = type === 16 || type === 17;
  const get = [1, 4, 7, 10, 13, 16, 19, 23];
  return isBatchEdge || (type >> 8 === 10 && !get.includes(type & 0xff));
}

/** `ip` numbers its messages by the clock. */
function withoutClock(message: SentMessage): SentMessage {
  const bytes = message.bytes.slice();
  bytes.fill(0, 8, 12);
  return { ...message, bytes };
}

/** nft's own words for a rule: its expressions and their registers. */
function explained(command: string, given: readonly string[]): string[] {
  const log = "/run/nft.log";
  const words = ["sh", "-c", `nft --debug=netlink "$1" >${log}`, "sh", command];
  inFreshNetns([...given.map(argv), words]);
  const text = readFileSync(log, "utf8");
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
}

function capture({ name, given = [], command, mayFail }: Capture): string | undefined {
  const log = "/run/strace.log";
  const strace = ["strace", "-f", "-e", "trace=sendto,sendmsg", "-e", "write=all", "-v", "-s", "65535", "-o", log];
  const { code, stderr } = inFreshNetns([...given.map(argv), [...strace, ...argv(command)]]);
  if (code !== 0 && !mayFail) return `${name}: ${stderr.trim()}`;
  const nft = isNft(command);
  const sent = sentMessages(readFileSync(log, "utf8")).filter((message) => changes(message, nft));
  if (sent.length === 0) return `${name}: nothing was sent: ${stderr.trim()}`;
  const head = [
    `# ${nft ? `nft '${command}'` : command}`,
    ...given.map((line) => `# given: ${isNft(line) ? `nft '${line}'` : line}`),
    ...(nft ? explained(command, given).map((line) => `# nft: ${line}`) : ["# Sequence numbers are written as 0."]),
  ];
  const body = sent.flatMap((message) => ["", ...annotate(nft ? message : withoutClock(message))]);
  writeFileSync(join(folder, `${name}.hex`), `${[...head, ...body].join("\n")}\n`);
  return undefined;
}

function main(): number {
  const wanted = process.argv.slice(2);
  const chosen = captures.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  mkdirSync(folder, { recursive: true });
  const problems = chosen.map((row) => capture(row)).filter((problem) => problem !== undefined);
  for (const problem of problems) console.error(problem);
  console.log(`${chosen.length - problems.length} captures written to test/golden/`);
  return problems.length === 0 ? 0 : 1;
}

const missing = ["strace", "ip", "nft"].filter((program) => findProgram(program) === undefined);
const sandbox = findSandbox();
if (missing.length > 0) {
  console.error(
    `golden: apt-get install --no-install-recommends strace iproute2 nftables (missing: ${missing.join(", ")})`,
  );
  process.exit(1);
} else if (process.env[sandboxMark] !== undefined) {
  process.exit(main());
} else if (!sandbox.works) {
  console.error(`golden: ${sandbox.reason}`);
  process.exit(1);
} else {
  const command = sandbox.wrap([process.execPath, ...process.argv.slice(1)]);
  const { exitCode } = Bun.spawnSync(command, { env: sandboxEnvironment, stdio: ["ignore", "inherit", "inherit"] });
  process.exit(exitCode);
}
