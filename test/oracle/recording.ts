/**
 * Runs a scenario, its verbs in this process and its commands by the executable, and answers it as text: each netlink
 * request of each verb in hex, exit codes, results, the commands of `--dry-run`, and the rows of the store. Leaves out
 * the kernel's answers, which have counters, clocks and random hardware addresses, and the words of a refusal; keeps its
 * code.
 */
import { join } from "node:path";
import type { ListedPlugin } from "../support/libcni.ts";
import { type Answer, nsNet, referencePlugins, runPlugin } from "../support/plugin.ts";
import type { Netns } from "../support/sandbox.ts";
import { spawnInside } from "../support/spawn.ts";
import { callHere } from "./inProcess.ts";
import type { Published, Scenario } from "./scenarios.ts";
import { freshStage, type Stage } from "./stage.ts";

type Verb = "ADD" | "CHECK" | "DEL" | "GC";

/** A heading of NSNET_DEBUG=netlink: direction, name, sequence number, flags. Its payload follows in lines of hex. */
const head = /^([→←]) (\S+|type \d+) #\d+ flags (0x[0-9a-f]+) \d+ bytes/;

/** RTM_GETNSID. It is sent for every namespace of a process of the machine, also of another test. */
const namespaceNumber = "type 90";
const dumpFlags = "0x300";

/** A descriptor of a namespace (IFLA_NET_NS_FD; NETNSA_FD in RTM_NEWNSID), whose number has no meaning. */
const descriptors: readonly [name: RegExp, attribute: RegExp][] = [
  [/^RTM_...LINK$/, /(08001c00 )[0-9a-f]{8}/g],
  [/^type 88$/, /(08000300 )[0-9a-f]{8}/g],
];

/** The requests of a call, one a line: name, flags, payload. */
function requestsOf(stderr: string): string[] {
  const requests: { name: string; flags: string; words: string[] }[] = [];
  let current: (typeof requests)[number] | undefined;
  for (const line of stderr.split("\n")) {
    const found = head.exec(line);
    if (found) {
      const [, direction, name, flags] = found;
      current = direction === "→" ? { name: name!, flags: flags!, words: [] } : undefined;
      if (current) requests.push(current);
    } else if (/^ {4}[0-9a-f ]+$/.test(line)) current?.words.push(line.trim());
  }
  const own = requests.filter(({ name }) => name !== namespaceNumber);
  const lines = own.map(({ name, flags, words }) => {
    const payload = descriptors
      .filter(([of]) => of.test(name))
      .reduce((text, [, attribute]) => text.replace(attribute, "$1descriptor"), words.join(" "));
    // The kernel lists the elements of a set in any order, and they are deleted in that order.
    const ordered = name === "NFT_MSG_DELSETELEM" ? payload.split(" ").sort().join(" ") : payload;
    const bytes = ordered.replace(/ /g, "");
    return `  ${name} ${flags} ${textsIn(bytes)}${bytes}`.trimEnd();
  });
  // A dump is repeated when the kernel reports that the list changed meanwhile, also by another test.
  return lines.filter((line, i) => line !== lines[i - 1] || !line.includes(` ${dumpFlags} `));
}

/** IFLA_ADDRESS. Its bytes are random, and may look like letters. */
const hardwareAddress = /0a000100[0-9a-f]{12}/g;

/** The names in a payload, for the reader of a difference: `[br0 bridge] `. */
function textsIn(bytes: string): string {
  const plain = bytes.replace(hardwareAddress, "").replace(/[^0-9a-f]+/g, "00");
  const text = Buffer.from(plain, "hex").toString("latin1");
  const names = text.match(/(?<=\0)[a-z][\w./ -]{2,}(?=\0|$)/gi) ?? [];
  return names.length === 0 ? "" : `[${names.join(" ")}] `;
}

/** A row of the store, with a line for each step. */
function rowLines(row: string): string[] {
  const [, table, json] = /^(\S+) (\{.*)$/.exec(row) ?? [];
  if (json === undefined) return [`  ${row}`]; // there is no store
  const { steps, ...rest } = JSON.parse(json);
  const all: object[] = typeof steps === "string" ? JSON.parse(steps) : [];
  return [`  ${table} ${JSON.stringify(rest)}`, ...all.map((step) => `    ${JSON.stringify(step)}`)];
}

/** The kernel gives a random hardware address to the host end of a veth, and to a device that a test created. */
const withoutRandomAddresses = (text: string) =>
  text.replace(/"mac":"(?!0a:58:|0a:00:|c2:11:)(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"/g, '"mac":"random"');

const answerLines = ({ code, stdout }: Answer): string[] => {
  if (stdout.trim() === "") return [`  exit ${code}`];
  const parsed = JSON.parse(stdout);
  return [`  exit ${code} ${code === 0 ? withoutRandomAddresses(JSON.stringify(parsed)) : `error ${parsed.code}`}`];
};

/** Two containers cannot have the same host port. */
const portsOf = (container: string, { portMappings }: Published): Published => ({
  portMappings: portMappings.map((one) => ({ ...one, hostPort: one.hostPort + container.charCodeAt(0) })),
});

class Recorder {
  readonly lines: string[] = [];
  readonly #stage: Stage;
  readonly #scenario: Scenario;

  constructor(stage: Stage, scenario: Scenario) {
    this.#stage = stage;
    this.#scenario = scenario;
  }

  /**
   * Names of the reference and random numbers of the kernel, found by `ip`, and their replacements in the recording.
   */
  readonly #random = new Map<string, string>();

  learnRandomNames(...namespaces: readonly Netns[]): void {
    for (const { ifname, address, permaddr } of namespaces.flatMap((ns) => ns.ip("link"))) {
      for (const mac of [address, permaddr]) {
        if (!mac || /^(0a:58|0a:00|c2:11|00:00)/.test(mac)) continue;
        for (const form of [mac, mac.replaceAll(":", "")]) this.#random.set(form, "(mac)");
      }
      if (!/^veth[0-9a-f]{8}$/.test(ifname)) continue;
      for (const form of [ifname, Buffer.from(ifname).toString("hex")]) this.#random.set(form, "(veth)");
    }
  }

  text(): string {
    let text = this.lines.join("\n");
    for (const [random, name] of this.#random) text = text.replaceAll(random, name);
    return text;
  }

  title(text: string): void {
    this.lines.push("", `## ${text}`);
  }

  /** Calls every plugin of the list as a runtime does, with the result of the one before. Answers the last result. */
  async list(
    verb: Verb,
    container: string,
    netns: Netns,
    options: { result?: object; by?: "reference"; valid?: string[] },
  ) {
    const { plugins, prevResult, runtimeConfig } = this.#scenario;
    let result = verb === "ADD" ? prevResult : options.result;
    for (const plugin of verb === "DEL" ? plugins.toReversed() : plugins) {
      this.lines.push("", `### ${verb} ${plugin.type}${options.by ? " of the reference" : ""}`);
      const call = {
        ...{ command: verb, host: this.#stage.host, container, ifname: "eth0", netns },
        plugin: join(options.by ? referencePlugins : this.#stage.binFolder, plugin.type),
        pluginPath: this.#stage.binFolder,
        environment: { NSNET_DEBUG: "netlink", PATH: process.env.PATH! },
        config: {
          ...this.config(plugin, options.by ? "1.0.0" : "1.1.0"),
          ...(runtimeConfig && plugin.capabilities && { runtimeConfig: portsOf(container, runtimeConfig) }),
          ...(result && { prevResult: result }),
          ...(options.valid && {
            "cni.dev/valid-attachments": options.valid.map((containerID) => ({ containerID, ifname: "eth0" })),
          }),
        },
      };
      const answer = options.by ? runPlugin(call) : await callHere(call);
      if (!options.by) this.lines.push(...requestsOf(answer.stderr));
      this.lines.push(...answerLines(answer));
      if (verb === "ADD" && answer.code === 0) result = answer.json;
      else if (verb === "ADD") break;
    }
    return result;
  }

  /** CHECK and GC use the newest version, which Debian's reference plugins do not support. */
  config(plugin: ListedPlugin, cniVersion = "1.1.0"): object {
    return { ...plugin, cniVersion, name: "oracle", dataDir: this.#stage.dataDir };
  }

  /** A command of the command line that changes nothing, without the configurations of this machine. */
  command(...words: string[]): void {
    this.lines.push("", `### ns-net ${words.join(" ")}`);
    const { CNI_COMMAND: _, ...environment } = process.env;
    const { exitCode, stdout, stderr } = spawnInside(
      this.#stage.host.path,
      [...withoutConfigurations, nsNet, ...words, "--data-dir", this.#stage.dataDir],
      { env: { ...environment, NSNET_DEBUG: "netlink" } },
    );
    const printed = stdout.toString().trimEnd().split("\n").filter(Boolean);
    this.lines.push(...requestsOf(stderr.toString()), `  exit ${exitCode}`, ...printed.map((line) => `  | ${line}`));
  }

  store(): void {
    this.lines.push("", "### the store", ...this.#stage.rows().map(withoutRandomAddresses).flatMap(rowLines));
  }
}

/** A subnet that `add` chooses overlaps none that is configured, by podman's package for example. */
const withoutConfigurations = [
  ...["unshare", "--mount", "sh", "-c"],
  'if [ -d /etc/cni ]; then mount -t tmpfs tmpfs /etc/cni; fi; exec "$@"',
  "sh",
];

/** Runs the scenario from an empty host to an empty host. */
export async function recordingOf(scenario: Scenario): Promise<string> {
  using stage = freshStage();
  scenario.prepare?.(stage);
  const recorder = new Recorder(stage, scenario);
  const [first] = scenario.plugins;
  const isMadeByHand = !/^(loopback|host-local|static)$/.test(first!.type) && !scenario.prevResult;
  if (isMadeByHand) {
    const file = join(stage.folder, "network.json");
    await Bun.write(file, JSON.stringify(recorder.config(first!)));
    recorder.title("Printed");
    recorder.command("add", "oracle-web", "--network", file, "--dry-run");
  }
  if (!scenario.isOnlyPrinted) await playVerbs(scenario, stage, recorder);
  return `# ${scenario.name}\n${recorder.text()}\n`;
}

async function playVerbs(scenario: Scenario, stage: Stage, recorder: Recorder): Promise<void> {
  const netns = stage.container("oracle-a");
  recorder.title("ADD");
  const result = await recorder.list("ADD", "a", netns, scenario.isTakenOver ? { by: "reference" } : {});
  if (scenario.isTakenOver) recorder.learnRandomNames(stage.host, netns);
  recorder.store();
  recorder.title("ADD again");
  await recorder.list("ADD", "a", netns, {});
  recorder.title("ADD of a second container, GC that keeps the first alone");
  await recorder.list("ADD", "b", stage.container("oracle-b"), {});
  recorder.store();
  await recorder.list("GC", "a", netns, { valid: ["a"] });
  recorder.store();
  recorder.title("CHECK");
  await recorder.list("CHECK", "a", netns, result ? { result } : {});
  recorder.title("Repair after a flush of the rules");
  stage.host.nft("flush", "ruleset");
  recorder.command("repair");
  await recorder.list("CHECK", "a", netns, result ? { result } : {});
  recorder.title("A lost store, rebuilt by the next ADD");
  stage.loseStore();
  await recorder.list("ADD", "c", stage.container("oracle-c"), {});
  recorder.store();
  recorder.title("DEL");
  await recorder.list("DEL", "a", netns, result ? { result } : {});
  await recorder.list("DEL", "c", netns, {});
  recorder.title("DEL again");
  await recorder.list("DEL", "a", netns, {});
  recorder.store();
  recorder.title("GC that keeps nothing");
  await recorder.list("GC", "a", netns, { valid: [] });
  recorder.store();
}
