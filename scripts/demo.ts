/**
 * `npm run demo`: shows the main job in its own network and mount namespace. Attaches two namespaces, lets them reach
 * each other and the internet (played by a third namespace), and removes them.
 */
import { join, resolve } from "node:path";
import { type Place, tcpReach, tcpServer } from "../test/support/tcp.ts";
import { findSandbox, sandboxEnvironment, sandboxMark } from "./sandbox.ts";
import { findProgram } from "./setup/tools.mjs";

const nsNet = resolve(import.meta.dirname, "../dist/ns-net");

/** The host's address on its uplink, and its router (RFC 5737: addresses for examples). */
const host = { address: "192.0.2.10", gateway: "192.0.2.1" };
const internet = { address: "203.0.113.80", port: 80 };

const colour = process.stdout.isTTY && !("NO_COLOR" in process.env);
const paint = (codes: string) => (text: string) => (colour ? `\x1b[${codes}m${text}\x1b[0m` : text);
const [bold, dim, green, red] = [paint("1"), paint("2"), paint("32"), paint("31")];

const print = (text = "") => console.log(text);
const indented = (text: string, by: number) => text.trimEnd().replace(/^(?=.)/gm, " ".repeat(by));

const stepsAll = 6;
let steps = 0;
const step = (title: string) => print(`\n${bold(`${++steps} of ${stepsAll}  ${title}`)}\n`);

let failures = 0;
/** Reports a sentence that is not true, so that the demonstration ends with a failure. */
function expect(truth: boolean, sentence: string): void {
  if (!truth) failures++;
  print(`   ${truth ? green("✓") : red("✗ not so:")} ${sentence}`);
}

function run(...command: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { stdin: "ignore" });
  if (exitCode === 0) return stdout.toString();
  print(red(`   ${command.join(" ")}: ${stderr.toString().trim() || `exit code ${exitCode}`}`));
  process.exit(1);
}

/** Runs ns-net and shows the command and its output. */
function show(...args: string[]): string {
  const output = run(nsNet, ...args);
  print(`   ${dim("$")} ${bold(`ns-net ${args.join(" ")}`)}`);
  if (output.trim() !== "") print(indented(output, 3));
  return output.trim();
}

function showByHand(name: string): void {
  print(`   ${dim(`what that will do, as ip and nft commands (ns-net add ${name} --dry-run):`)}\n`);
  print(dim(indented(run(nsNet, "add", name, "--dry-run"), 5)));
  print();
}

const showCall = (from: string, address: string, port: number) =>
  print(`   ${dim("$")} ${bold(`ns-net exec ${from} -- bash -c "cat < /dev/tcp/${address}/${port}"`)}`);

/** Runs programs in a namespace as a person would. */
const within = (name: string): Place => ({ inside: (command) => [nsNet, "exec", name, "--", ...command] });

/** A host with one uplink to the internet, which has no routes to the networks behind the host. */
function buildWorld(): void {
  const commands = [
    "ip netns add internet",
    "ip link add uplink type veth peer name host netns internet",
    `ip address add ${host.address}/24 dev uplink`,
    "ip link set uplink up",
    `ip -n internet address add ${host.gateway}/24 dev host`,
    `ip -n internet address add ${internet.address}/32 dev lo`,
    "ip -n internet link set lo up",
    "ip -n internet link set host up",
    `ip route add default via ${host.gateway}`,
  ];
  for (const command of commands) run(...command.split(" "));
}

/** Links, namespaces and, if nft is installed, tables of this sandbox, to compare before and after. */
function traces(): string {
  const links = JSON.parse(run("ip", "-j", "link")) as { ifname: string }[];
  const names = (text: string) => text.split("\n").filter((line) => line !== "");
  const namespaces = names(run("ip", "netns")).map((line) => `namespace ${line.split(" ")[0]}`);
  const tables = findProgram("nft") === undefined ? [] : names(run("nft", "list", "tables"));
  return [...links.map(({ ifname }) => `link ${ifname}`), ...namespaces, ...tables].sort().join(", ");
}

async function main(): Promise<void> {
  print(dim("In a network and mount namespace of its own: this machine's network is not touched."));
  buildWorld();
  const before = traces();

  step('Attach a namespace "web" to the default network');
  showByHand("web");
  const web = show("add", "web");

  step('And another, "db"');
  const db = show("add", "db");

  step("TCP from db to web");
  {
    using server = await tcpServer(within("web"), web);
    const reached = await tcpReach(within("db"), web, server.port);
    showCall("db", web, server.port);
    expect("seenAs" in reached && reached.seenAs === db, `web was reached and saw ${db}, which is db${said(reached)}`);
  }

  step("TCP from web to the internet, through NAT");
  {
    const outside: Place = { inside: (command) => ["ip", "netns", "exec", "internet", ...command] };
    using server = await tcpServer(outside, internet.address, internet.port);
    const reached = await tcpReach(within("web"), internet.address, server.port);
    showCall("web", internet.address, server.port);
    expect(
      "seenAs" in reached && reached.seenAs === host.address,
      `the internet was reached and saw ${host.address}, which is the host: ${web} stays private${said(reached)}`,
    );
  }

  step("What is attached");
  show("ls");

  step("Remove everything");
  show("del", "web");
  show("del", "db");
  show("gc");
  const after = traces();
  expect(after === before, after === before ? `nothing is left but what was there: ${after}` : `${after} is ${before}`);
}

const said = (reached: object) => ("failed" in reached ? ` (${reached.failed})` : "");

if (process.env[sandboxMark] !== undefined) {
  const startMs = performance.now();
  await main();
  print(failures === 0 ? `\n${dim(`All of it in ${((performance.now() - startMs) / 1000).toFixed(1)} s.`)}` : "");
  process.exit(failures === 0 ? 0 : 1);
}
const sandbox = findSandbox();
if (!sandbox.works) {
  console.error(`demo: ${sandbox.reason}`);
  process.exit(1);
}
const program = [process.execPath, join(import.meta.dirname, "demo.ts")];
const { exitCode } = Bun.spawnSync(sandbox.wrap(program), {
  env: sandboxEnvironment,
  stdio: ["ignore", "inherit", "inherit"],
});
process.exit(exitCode);
